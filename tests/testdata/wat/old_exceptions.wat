;; Exceptions in the legacy encoding: try, catch, delegate, rethrow.
(module
  (import "env" "mix" (func $mix (param i32 i32) (result i32)))
  (tag $number (param i32))
  (tag $none)
  (func $thrower (param i32)
    (if (i32.eq (i32.and (local.get 0) (i32.const 3)) (i32.const 1)) (then (throw $number (local.get 0))))
    (if (i32.eq (i32.and (local.get 0) (i32.const 3)) (i32.const 2)) (then (throw $none))))
  (func (export "catch") (param i32) (result i32)
    (try (result i32)
      (do (call $thrower (local.get 0)) (i32.const -1))
      (catch $number (i32.mul (i32.const 3)))
      (catch_all (i32.const -2))))
  (func (export "retry") (param i32) (result i32) (local $tries i32)
    (loop $again
      (try
        (do
          (local.set $tries (i32.add (local.get $tries) (i32.const 1)))
          (call $thrower (i32.add (local.get 0) (local.get $tries))))
        (catch_all (br_if $again (i32.lt_u (local.get $tries) (i32.const 20))))))
    (local.get $tries))
  (func (export "delegate") (param i32) (result i32)
    (block $out (result i32)
      (try $t (result i32)
        (do
          (try (do (call $thrower (local.get 0))) (delegate $t))
          (call $mix (local.get 0) (i32.const 1)))
        (catch $number (i32.add (i32.const 100)))
        (catch $none (i32.const 7)))))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32)
      (do
        (try $inner
          (do (call $thrower (local.get 0)))
          (catch_all (loop $l (br_if $l (i32.const 0)) (rethrow $inner))))
        (i32.const 4))
      (catch $number (i32.xor (i32.const 0xff)))
      (catch_all (i32.const 8)))))
