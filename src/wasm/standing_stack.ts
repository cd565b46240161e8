import { canPause, promising, suspending } from "./jspi.ts";

/** The call that runs on the stack. */
interface Current {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A stack that calls one export repeatedly; each call may be paused.
 *
 * Each call through `promising` begins on a new stack, and V8 caches only four of them: with more
 * calls in progress, mapping and unmapping stacks dominates (bench: `waiting`). So a loop in
 * WebAssembly keeps one stack: it waits for arguments, calls the export, passes on the result.
 */
export class StandingStack {
  readonly #run: () => Promise<unknown>;
  #current: Current | undefined;
  #arguments: readonly number[] | undefined;
  /** Resumes the loop, which waits for arguments. */
  #waiting: { call: (args: readonly number[]) => void; end: (reason: unknown) => void } | undefined;

  private constructor(module: WebAssembly.Module, handler: WebAssembly.ExportValue) {
    const imports = {
      handler,
      next: suspending(() => this.#next()),
      done: (result: bigint) => this.#done(result),
    };
    const { exports } = new WebAssembly.Instance(module, { "": imports });
    this.#run = promising(exports.run as WebAssembly.ExportValue) as () => Promise<unknown>;
  }

  /** Makes a stack for a handler; undefined without JSPI or for a type other than i32… → i64. */
  static of(handler: WebAssembly.ExportValue): StandingStack | undefined {
    if (!canPause) return undefined;
    try {
      return new StandingStack(
        loopModule((handler as (...args: number[]) => unknown).length),
        handler,
      );
    } catch (error) {
      if (error instanceof WebAssembly.LinkError) return undefined;
      throw error;
    }
  }

  /** Calls the export. One call at a time. */
  call(args: readonly number[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#current = { resolve, reject };
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) return waiting.call(args);
      this.#arguments = args;
      // A throw out of the export ends the loop; the next call begins another one.
      this.#run().catch((error) => {
        if (error !== ended) this.#current?.reject(error);
      });
    });
  }

  /** Frees the stack. A later call begins a new one. */
  end(): void {
    this.#waiting?.end(ended);
    this.#waiting = undefined;
  }

  #next(): readonly number[] | Promise<readonly number[]> {
    const args = this.#arguments;
    this.#arguments = undefined;
    return args ?? new Promise((call, end) => this.#waiting = { call, end });
  }

  #done(result: bigint): void {
    this.#current?.resolve(result);
  }
}

const ended = Symbol("the stack is freed");

const modules = new Map<number, WebAssembly.Module>();

function loopModule(parameters: number): WebAssembly.Module {
  let module = modules.get(parameters);
  if (!module) modules.set(parameters, module = new WebAssembly.Module(loopBytes(parameters)));
  return module;
}

/**
 * Encodes the loop for a handler with `parameters` parameters; a test compares it with what wabt
 * makes of this text:
 * ```wat
 * (module
 *   (import "" "next" (func $next (result i32 …)))
 *   (import "" "handler" (func $handler (param i32 …) (result i64)))
 *   (import "" "done" (func $done (param i64)))
 *   (func (export "run") (loop (call $done (call $handler (call $next))) (br 0))))
 * ```
 */
export function loopBytes(parameters: number): Uint8Array<ArrayBuffer> {
  const [i32, i64] = [0x7f, 0x7e];
  const numbers = [parameters, ...Array(parameters).fill(i32)];
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const imported = (text: string, type: number) => [0, ...name(text), 0, type];
  const body = [0, 0x03, 0x40, 0x10, 0, 0x10, 1, 0x10, 2, 0x0c, 0, 0x0b, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [4, 0x60, 0, ...numbers, 0x60, ...numbers, 1, i64, 0x60, 1, i64, 0, 0x60, 0, 0]),
    ...section(2, [3, ...imported("next", 0), ...imported("handler", 1), ...imported("done", 2)]),
    ...section(3, [1, 3]),
    ...section(7, [1, ...name("run"), 0, 3]),
    ...section(10, [1, body.length, ...body]),
  ]);
}
