import assert from "node:assert/strict";
import fc from "fast-check";
import type { Value } from "../../../src/component/abi/codec.ts";
import type { Scheduler } from "../../../src/component/async/scheduler.ts";
import { SharedStream } from "../../../src/component/async/shared_copies.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { LiveComponent } from "../../../src/component/instance/live_component.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/** Functions whose core function is a built-in, or one of the module. */
const lifted = [
  `"write") (param "end" u32) (param "first" u32) (param "count" u32) (result u32)`,
  `"read") (param "end" u32) (param "count" u32) (result u32)`,
  `"byte") (param "at" u32) (result u32)`,
  `"cancel-read") (param "end" u32) (result u32)`,
  `"cancel-write") (param "end" u32) (result u32)`,
  `"drop-readable") (param "end" u32)`,
  `"drop-writable") (param "end" u32)`,
  `"join") (param "end" u32)`,
  `"poll") (result u32)`,
  `"payload") (result u32)`,
  `"new") (result u64)`,
  `"take") (param "end" u32) (result (stream u8))`,
  `"give") (param "stream" (stream u8)) (result u32)`,
];

/** A component that exports the built-ins of streams; it writes from 1024 and reads to 4096. */
const ends = `(component
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (type $s (stream u8))
  (core func $new (canon stream.new $s))
  (core func $read (canon stream.read $s async (memory (core memory $libc "memory"))))
  (core func $write (canon stream.write $s async (memory (core memory $libc "memory"))))
  (core func $cancel-read (canon stream.cancel-read $s async))
  (core func $cancel-write (canon stream.cancel-write $s async))
  (core func $drop-readable (canon stream.drop-readable $s))
  (core func $drop-writable (canon stream.drop-writable $s))
  (core func $join (canon waitable.join))
  (core func $set (canon waitable-set.new))
  (core func $poll (canon waitable-set.poll (memory (core memory $libc "memory"))))
  (core module $m
    (import "" "memory" (memory 1))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "set" (func $set (result i32)))
    (import "" "poll" (func $poll (param i32 i32) (result i32)))
    (global $waitables (mut i32) (i32.const 0))
    (func $ensure (result i32)
      (if (i32.eqz (global.get $waitables)) (then (global.set $waitables (call $set))))
      (global.get $waitables))
    (func (export "write") (param $end i32) (param $first i32) (param $count i32) (result i32)
      (local $at i32)
      (loop $fill
        (i32.store8 (i32.add (i32.const 1024) (local.get $at))
          (i32.add (local.get $first) (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $fill (i32.lt_u (local.get $at) (local.get $count))))
      (call $write (local.get $end) (i32.const 1024) (local.get $count)))
    (func (export "read") (param $end i32) (param $count i32) (result i32)
      (call $read (local.get $end) (i32.const 4096) (local.get $count)))
    (func (export "byte") (param i32) (result i32)
      (i32.load8_u (i32.add (i32.const 4096) (local.get 0))))
    (func (export "join") (param i32) (call $join (local.get 0) (call $ensure)))
    (func (export "poll") (result i32) (call $poll (call $ensure) (i32.const 16)))
    (func (export "payload") (result i32) (i32.load (i32.const 20)))
    (func (export "index") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m (with "" (instance
    (export "memory" (memory $libc "memory"))
    (export "read" (func $read)) (export "write" (func $write))
    (export "join" (func $join)) (export "set" (func $set)) (export "poll" (func $poll))))))
  ${
  lifted.map((text) => {
    const name = text.match(/"(.*?)"/)?.[1] ?? "";
    const isBuiltIn = /^(cancel|drop|new)/.test(name);
    const isMove = name === "take" || name === "give";
    const core = isBuiltIn ? `$${name}` : `$i "${isMove ? "index" : name}"`;
    return `(func (export ${text} (canon lift (core func ${core})))`;
  }).join("\n")
})`;

const blocked = 0xffff_ffff;
const results = ["completed", "dropped", "cancelled"] as const;

/** An end of the stream in an instance of the component. */
class End {
  readonly #instance: LiveComponent;
  readonly #side: "read" | "write";
  readonly index: number;
  /** Number of the bytes that were moved. */
  moved = 0;
  readonly received: number[] = [];
  isBusy = false;
  isDone = false;
  isDropped = false;

  constructor(instance: LiveComponent, side: "read" | "write", index: number) {
    this.#instance = instance;
    this.#side = side;
    this.index = index;
    this.#call("join", index);
  }

  #call(name: string, ...args: Value[]): Value {
    return this.#instance.func(name)?.call(args);
  }

  copy(count: number): void {
    if (this.isBusy || this.isDone || this.isDropped) return;
    const first = this.moved;
    const code = this.#side === "write"
      ? this.#call("write", this.index, first, count)
      : this.#call("read", this.index, count);
    this.isBusy = true;
    this.#end(Number(code));
  }

  cancel(): void {
    if (this.isBusy) this.#end(Number(this.#call(`cancel-${this.#side}`, this.index)));
  }

  poll(): void {
    if (this.isDropped) return;
    const code = Number(this.#call("poll"));
    if (code === 0) return;
    assert.equal(code, this.#side === "read" ? 2 : 3);
    assert.ok(this.isBusy, "an event came without an operation");
    this.#end(Number(this.#call("payload")));
  }

  drop(): void {
    if (this.isBusy || this.isDropped) return;
    this.isDropped = true;
    this.#call(this.#side === "read" ? "drop-readable" : "drop-writable", this.index);
  }

  #end(payload: number): void {
    if (payload >>> 0 === blocked) return;
    this.isBusy = false;
    const count = payload >>> 4;
    this.moved += count;
    if (this.#side === "read") {
      for (let at = 0; at < count; at++) this.received.push(Number(this.#call("byte", at)));
    }
    const result = results[payload & 15];
    assert.ok(result !== undefined, `an operation ended with ${payload & 15}`);
    if (result === "dropped") this.isDone = true;
  }
}

const step = fc.record({
  end: fc.constantFrom("reader" as const, "writer" as const),
  what: fc.constantFrom("copy" as const, "copy" as const, "cancel" as const, "poll" as const),
  count: fc.integer({ min: 0, max: 9 }),
});

componentTest("streams: no order of operations loses or doubles a byte, and all end", async () => {
  const plan = linkComponent(decodeComponent(await buildText(ends)));
  const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
  const instantiate = () => {
    const host = { function: () => undefined, drop: () => {} };
    return new LiveComponent(plan, { modules, host, guest: quietGuest() });
  };
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.boolean(), (steps, readerFirst) => {
      const [from, to] = [instantiate(), instantiate()];
      const pair = from.func("new")?.call([]) as bigint;
      const stream = from.func("take")?.call([Number(pair & 0xffff_ffffn)]) as SharedStream;
      const writer = new End(from, "write", Number(pair >> 32n));
      const reader = new End(to, "read", Number(to.func("give")?.call([stream])));
      for (const { end, what, count } of steps) ({ reader, writer })[end][what](count);

      const last = readerFirst ? [reader, writer] : [writer, reader];
      for (const end of last) {
        end.poll();
        end.cancel();
        end.poll();
        end.drop();
      }
      for (const end of last) {
        end.poll();
        assert.equal(end.isBusy, false, "an operation did not end");
      }
      assert.deepEqual(
        reader.received,
        Array.from({ length: reader.moved }, (_, at) => at & 0xff),
      );
      assert.equal(reader.moved, writer.moved);
    }),
    { numRuns: 500 },
  );
});

componentTest("streams: a reset cancels the host work that a dropped stream adds", async () => {
  const plan = linkComponent(decodeComponent(await buildText(ends)));
  let scheduler: Scheduler | undefined;
  const live = new LiveComponent(plan, {
    modules: plan.modules.map((bytes) => new WebAssembly.Module(bytes)),
    host: {
      function: () => undefined,
      drop: () => {},
      attach: (tasks) => scheduler = tasks as Scheduler,
    },
    guest: quietGuest(),
  });
  const stream = SharedStream.ofHost();
  let isDropped = false;
  stream.onDrop = () => {
    isDropped = true;
    scheduler?.add(Promise.resolve(), () => {});
  };
  live.func("give")?.call([stream]);
  live.resetHandles();
  assert.ok(isDropped);
  assert.equal(scheduler?.isIdle, true);
});
