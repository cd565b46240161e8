import { suspending } from "../../wasm/jspi.ts";
import type { CoreValue } from "../abi/codec.ts";
import type { CoreFuncType } from "../format/syntax.ts";

/** A core function, called with core values. */
export type CoreFunction = (...args: CoreValue[]) => CoreValue | undefined;

/** An import that may wait, in three steps. */
export interface WaitingCall {
  /** Begins the call. Returns 1 if it has to wait, 0 if it is done. */
  readonly begin: (...args: CoreValue[]) => number;
  /** Waits for its end. */
  readonly wait: () => Promise<void>;
  /** Returns its result. */
  readonly take: () => CoreValue | undefined;
}

/**
 * Returns an import that suspends the guest only if it has to wait. An import that is marked as
 * suspending throws in a call that was made synchronously, even if it would not suspend; so a small
 * module calls `begin`, which is not marked, and then `wait` if it must.
 */
export function waitingImport(type: CoreFuncType, call: WaitingCall): CoreFunction {
  const key = `${type.params}>${type.results}`;
  let module = modules.get(key);
  if (!module) modules.set(key, module = new WebAssembly.Module(moduleBytes(type)));
  const { begin, take } = call;
  const { exports } = new WebAssembly.Instance(module, {
    "": { begin, wait: suspending(call.wait), take: take as WebAssembly.ImportValue },
  } as WebAssembly.Imports);
  return exports.call as CoreFunction;
}

const modules = new Map<string, WebAssembly.Module>();
const codes: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };

/**
 * Encodes the module; a test compares it with what wabt makes of this text, for `i32 → i64`:
 * ```wat
 * (module
 *   (import "" "begin" (func $begin (param i32) (result i32)))
 *   (import "" "wait" (func $wait))
 *   (import "" "take" (func $take (result i64)))
 *   (func (export "call") (param i32) (result i64)
 *     (call $begin (local.get 0))
 *     (if (then (call $wait)))
 *     (call $take)))
 * ```
 */
export function moduleBytes({ params, results }: CoreFuncType): Uint8Array<ArrayBuffer> {
  const types = (list: readonly string[]) => [list.length, ...list.map((type) => codes[type] ?? 0)];
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const imported = (text: string, type: number) => [0, ...name(text), 0, type];
  const body = [
    0,
    ...params.flatMap((_, index) => [0x20, index]),
    ...[0x10, 0, 0x04, 0x40, 0x10, 1, 0x0b, 0x10, 2, 0x0b],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [
      4,
      ...[0x60, ...types(params), 1, 0x7f],
      ...[0x60, 0, 0],
      ...[0x60, 0, ...types(results)],
      ...[0x60, ...types(params), ...types(results)],
    ]),
    ...section(2, [3, ...imported("begin", 0), ...imported("wait", 1), ...imported("take", 2)]),
    ...section(3, [1, 3]),
    ...section(7, [1, ...name("call"), 0, 3]),
    ...section(10, [1, body.length, ...body]),
  ]);
}
