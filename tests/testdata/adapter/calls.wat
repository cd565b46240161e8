;; Calls the functions of preview1 that an adapter exports, with valid and invalid arguments, and
;; writes what each returned to standard error: 4 bytes of its error number and 128 bytes of memory.
;; `build.sh` makes `calls.wasm` of it: a component with an adapter.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))

  (memory (export "memory") 4)
  ;; Results from 1024 on; before them the error number.
  (data (i32.const 0) "\fc\03\00\00\84\00\00\00")
  ;; Iovecs: "abc" and "defgh"; an empty one and "abc"; one out of bounds.
  (data (i32.const 16) "\40\00\00\00\03\00\00\00\48\00\00\00\05\00\00\00")
  (data (i32.const 32) "\40\00\00\00\00\00\00\00\40\00\00\00\03\00\00\00")
  (data (i32.const 48) "\00\ff\ff\7f\05\00\00\00")
  (data (i32.const 64) "abc\00\00\00\00\00defgh")

  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $top)
    (global.set $top
      (i32.and (i32.add (i32.add (global.get $top) (local.get 3)) (i32.const 15)) (i32.const -16))))

  (func $record (param $errno i32)
    (i32.store (i32.const 1020) (local.get $errno))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 4096)))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 256)))

  (func $descriptor (param $fd i32)
    (local $count i32)
    (call $record (call $fd_fdstat_get (local.get $fd) (i32.const 1024)))
    (call $record (call $fd_prestat_get (local.get $fd) (i32.const 1024)))
    (call $record (call $fd_prestat_dir_name (local.get $fd) (i32.const 1024) (i32.const 0)))
    (call $record (call $fd_prestat_dir_name (local.get $fd) (i32.const 1024) (i32.const 4)))
    (call $record (call $fd_prestat_dir_name (local.get $fd) (i32.const 1024) (i32.const 100)))
    (call $record (call $fd_seek (local.get $fd) (i64.const 0) (i32.const 1) (i32.const 1024)))
    (call $record (call $fd_seek (local.get $fd) (i64.const 5) (i32.const 7) (i32.const 1024)))
    (if (i32.ne (local.get $fd) (i32.const 2)) (then (loop $more
      (call $record (call $fd_write (local.get $fd) (i32.const 16) (local.get $count) (i32.const 1024)))
      (call $record (call $fd_write (local.get $fd) (i32.const 32) (local.get $count) (i32.const 1024)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $count) (i32.const 3)))))))

  (func (export "run")
    (local $at i32)
    (local.set $at (i32.const -1))
    (loop $more
      (call $descriptor (local.get $at))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_s (local.get $at) (i32.const 8))))
    (local.set $at (i32.const 2))
    (loop $more
      (call $record (call $clock_time_get (local.get $at) (i64.const 0) (i32.const 1024)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_s (local.get $at) (i32.const 6))))
    (call $record (call $clock_time_get (i32.const -1) (i64.const 0) (i32.const 1024)))
    (call $record (call $random_get (i32.const 1024) (i32.const 0)))
    (call $record (call $random_get (i32.const 1024) (i32.const 100)))
    (call $record (call $sched_yield))
    (call $record (call $args_sizes_get (i32.const 1024) (i32.const 1028)))
    (call $record (call $args_get (i32.const 1024) (i32.const 1056)))
    (call $record (call $environ_sizes_get (i32.const 1024) (i32.const 1028)))
    (call $record (call $environ_get (i32.const 1024) (i32.const 1056)))
    ;; Descriptors are closed once.
    (local.set $at (i32.const 0))
    (loop $more
      (if (i32.ne (local.get $at) (i32.const 2)) (then
        (call $record (call $fd_close (local.get $at)))
        (call $record (call $fd_close (local.get $at)))
        (call $descriptor (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_s (local.get $at) (i32.const 6)))))

  ;; Returns the time of a clock, 0 for an error.
  (func (export "time") (param $id i32) (result i64)
    (i64.store (i32.const 1024) (i64.const 0))
    (drop (call $clock_time_get (local.get $id) (i64.const 0) (i32.const 1024)))
    (i64.load (i32.const 1024)))

  (func (export "exit") (param $code i32) (call $proc_exit (local.get $code)))

  ;; Makes one call with a pointer out of bounds, and records its result if it has one.
  (func (export "fault") (param $which i32)
    (local $out i32)
    (local.set $out (i32.const 0x7fffff00))
    (block $12 (block $11 (block $10 (block $9
    (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 (local.get $which)))
      (call $record (call $args_get (local.get $out) (i32.const 1024))) (return))
      (call $record (call $environ_sizes_get (local.get $out) (i32.const 1024))) (return))
      (call $record (call $clock_time_get (i32.const 0) (i64.const 0) (local.get $out))) (return))
      (call $record (call $fd_fdstat_get (i32.const 1) (local.get $out))) (return))
      (call $record (call $fd_prestat_get (i32.const 3) (local.get $out))) (return))
      (call $record (call $fd_write (i32.const 1) (local.get $out) (i32.const 1) (i32.const 1024))) (return))
      (call $record (call $fd_write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 1024))) (return))
      (call $record (call $fd_write (i32.const 9) (local.get $out) (i32.const 1) (i32.const 1024))) (return))
    (call $record (call $random_get (local.get $out) (i32.const 5))) (return))
    ;; A descriptor or a length that is refused before the pointer is used.
    (call $record (call $fd_seek (i32.const 3) (i64.const 0) (i32.const 0) (local.get $out))) (return))
    (call $record (call $fd_write (i32.const 9) (i32.const 48) (i32.const 1) (local.get $out)))
    (call $record (call $fd_write (i32.const 0) (i32.const 48) (i32.const 1) (local.get $out)))
    (call $record (call $fd_write (i32.const 3) (i32.const 48) (i32.const 1) (local.get $out)))
    (call $record (call $fd_write (i32.const 1) (local.get $out) (i32.const 0) (i32.const 1024))) (return))
    (call $record (call $fd_fdstat_get (i32.const 9) (local.get $out)))
    (call $record (call $fd_prestat_get (i32.const 9) (local.get $out)))
    (call $record (call $fd_prestat_get (i32.const 1) (local.get $out)))
    (call $record (call $clock_time_get (i32.const 9) (i64.const 0) (local.get $out))) (return))
    (call $record (call $fd_prestat_dir_name (i32.const 3) (local.get $out) (i32.const 4)))
    (call $record (call $fd_prestat_dir_name (i32.const 1) (local.get $out) (i32.const 4)))
    (call $record (call $fd_prestat_dir_name (i32.const 9) (local.get $out) (i32.const 4)))))
