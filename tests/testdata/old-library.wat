;; A module with the habits of the guest library of Capsule 0.1, at their strictest:
;; * malloc(0) and allocateBuffer(0) trap, and so does a second malloc before the first block is freed, which TinyGo
;;   before 0.26 could collect; free traps on any other pointer, and wipes the block;
;; * a handler traps before _start, which returns normally;
;; * callHandle returns its argument in place, and the word "empty" for no argument;
;; * callHandleHttp traps on an empty list of headers and on an item without a colon. It splits each item at every colon
;;   and keeps the second piece. It returns the body, then each kept piece on a line of its own; "empty" for an empty body,
;;   with the headers "empty"; and for a body "http:…" the response of hostHttp for that URL, with headers and body "empty".
(module
  (import "env" "hostHttp"
    (func $hostHttp (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "[BODY]")
  (data (i32.const 80) "[HEADERS]")
  (data (i32.const 96) "Content-Type:text/plain")
  (data (i32.const 128) "empty")
  (data (i32.const 144) "GET")
  (data (i32.const 160) "\n")
  (data (i32.const 176) "http:")
  (global $started (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 1024))   ;; start of free memory
  (global $block (mut i32) (i32.const 0))     ;; the block of malloc that is not freed
  (global $size (mut i32) (i32.const 0))

  (func $reserve (param $size i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $heap))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $start) (local.get $size)) (i32.const 15)) (i32.const -16)))
    (block $enough
      (loop $grow
        (br_if $enough (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
        (if (i32.eq (memory.grow (memory.size)) (i32.const -1)) (then unreachable))
        (br $grow)))
    (local.get $start))

  (func (export "malloc") (param $size i32) (result i32)
    (if (i32.eqz (local.get $size)) (then unreachable))
    (if (global.get $block) (then unreachable))
    (global.set $size (local.get $size))
    (global.set $block (call $reserve (local.get $size)))
    (global.get $block))

  (func (export "free") (param $pointer i32)
    (if (i32.eqz (local.get $pointer)) (then unreachable))
    (if (i32.ne (local.get $pointer) (global.get $block)) (then unreachable))
    (memory.fill (local.get $pointer) (i32.const 0) (global.get $size))
    (global.set $block (i32.const 0)))

  (func (export "allocateBuffer") (param $size i32) (result i32)
    (if (i32.eqz (local.get $size)) (then unreachable))
    (call $reserve (local.get $size)))

  (func (export "_start")
    (global.set $started (i32.const 1)))

  (func $packed (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))

  (func (export "callHandle") (param $pointer i32) (param $length i32) (result i64)
    (if (i32.eqz (global.get $started)) (then unreachable))
    (if (i32.eqz (local.get $length)) (then (return (call $packed (i32.const 128) (i32.const 5)))))
    (call $packed (local.get $pointer) (local.get $length)))

  ;; Copies to $at and returns the end of the copy.
  (func $append (param $at i32) (param $pointer i32) (param $length i32) (result i32)
    (memory.copy (local.get $at) (local.get $pointer) (local.get $length))
    (i32.add (local.get $at) (local.get $length)))

  (func $beginsWithHttp (param $pointer i32) (param $length i32) (result i32)
    (if (i32.lt_u (local.get $length) (i32.const 5)) (then (return (i32.const 0))))
    (i32.and
      (i32.eq (i32.load (local.get $pointer)) (i32.load (i32.const 176)))
      (i32.eq (i32.load8_u offset=4 (local.get $pointer)) (i32.const 58))))

  ;; Writes the second piece of every header, each behind a newline, and returns the end of the text.
  (func $appendPieces (param $at i32) (param $pointer i32) (param $end i32) (result i32)
    (local $colons i32) (local $character i32)
    (loop $item
      (local.set $colons (i32.const 0))
      (local.set $at (call $append (local.get $at) (i32.const 160) (i32.const 1)))
      (block $done
        (loop $next
          (br_if $done (i32.ge_u (local.get $pointer) (local.get $end)))
          (local.set $character (i32.load8_u (local.get $pointer)))
          (local.set $pointer (i32.add (local.get $pointer) (i32.const 1)))
          (br_if $done (i32.eq (local.get $character) (i32.const 124)))
          (if (i32.eq (local.get $character) (i32.const 58))
            (then (local.set $colons (i32.add (local.get $colons) (i32.const 1))))
            (else
              (if (i32.eq (local.get $colons) (i32.const 1))
                (then
                  (i32.store8 (local.get $at) (local.get $character))
                  (local.set $at (i32.add (local.get $at) (i32.const 1)))))))
          (br $next)))
      (if (i32.eqz (local.get $colons)) (then unreachable))
      (br_if $item (i32.lt_u (local.get $pointer) (local.get $end))))
    (local.get $at))

  (func (export "callHandleHttp")
    (param $body i32) (param $bodyLength i32) (param $headers i32) (param $headersLength i32) (result i64)
    (local $start i32) (local $at i32) (local $answer i32) (local $answerLength i32)
    (if (i32.eqz (global.get $started)) (then unreachable))
    (if (i32.eqz (local.get $headersLength)) (then unreachable))
    (local.set $answer (local.get $body))
    (local.set $answerLength (local.get $bodyLength))
    (if (call $beginsWithHttp (local.get $body) (local.get $bodyLength))
      (then
        (call $hostHttp
          (local.get $body) (local.get $bodyLength) (i32.const 144) (i32.const 3)
          (i32.const 128) (i32.const 5) (i32.const 128) (i32.const 5) (i32.const 16) (i32.const 20))
        (local.set $answer (i32.load (i32.const 16)))
        (local.set $answerLength (i32.load (i32.const 20)))))
    (local.set $start
      (call $reserve (i32.add (i32.const 64) (i32.add (local.get $answerLength)
        (i32.add (local.get $headersLength) (local.get $headersLength))))))
    (local.set $at (call $append (local.get $start) (i32.const 64) (i32.const 6)))
    (if (local.get $answerLength)
      (then
        (local.set $at (call $append (local.get $at) (local.get $answer) (local.get $answerLength)))
        (local.set $at (call $appendPieces (local.get $at) (local.get $headers)
          (i32.add (local.get $headers) (local.get $headersLength))))
        (local.set $at (call $append (local.get $at) (i32.const 80) (i32.const 9)))
        (local.set $at (call $append (local.get $at) (i32.const 96) (i32.const 23))))
      (else
        ;; The headers are read first in any case, and trap; the pieces are overwritten.
        (drop (call $appendPieces (local.get $at) (local.get $headers)
          (i32.add (local.get $headers) (local.get $headersLength))))
        (local.set $at (call $append (local.get $at) (i32.const 128) (i32.const 5)))
        (local.set $at (call $append (local.get $at) (i32.const 80) (i32.const 9)))
        (local.set $at (call $append (local.get $at) (i32.const 128) (i32.const 5)))))
    (call $packed (local.get $start) (i32.sub (local.get $at) (local.get $start)))))
