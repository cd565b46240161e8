;; memory.size and memory.grow, in straight code, in loops and behind branches, with and without success.
(module
  (memory (export "memory") 1 20)
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32)
    (memory.grow (i32.and (local.get 0) (i32.const 3))))
  (func (export "grow_any") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_and_touch") (param i32) (result i32) (local i32)
    (local.set 1 (memory.grow (i32.const 1)))
    (if (i32.ne (local.get 1) (i32.const -1))
      (then (i32.store (i32.shl (local.get 1) (i32.const 16)) (local.get 0))))
    (i32.load (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 65536))))
  (func (export "until") (param i32) (result i32) (local i32)
    (local.set 0 (i32.and (local.get 0) (i32.const 15)))
    (block $done
      (loop $again
        (local.set 1 (i32.add (local.get 1) (i32.const 1)))
        (br_if $done (i32.ge_u (memory.size) (local.get 0)))
        (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
    (local.get 1))
  (func (export "last") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.and (local.get 0) (i32.const 1))))))
