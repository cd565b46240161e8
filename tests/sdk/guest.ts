/**
 * Runs a module against the bytes of the contract, without any part of Capsule: tests see what the
 * guest library passes to the host, and how it decodes results, byte for byte.
 */

/** A host function: takes its inputs as text, returns its result. */
export type HostFunction = (...inputs: string[]) => string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The export that allocates the arguments; modules without `malloc` have `allocateBuffer`. */
export type Allocator = "malloc" | "allocateBuffer";

type Call = (...values: number[]) => number | bigint | undefined;

export class Guest {
  readonly log: string[] = [];
  readonly #instance: WebAssembly.Instance;

  constructor(module: WebAssembly.Module, functions: Record<string, HostFunction> = {}) {
    const imports: Record<string, Record<string, Call>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      const host = from === "wasi_snapshot_preview1"
        ? this.#wasi(name)
        : this.#hostFunction(name, functions);
      (imports[from] ??= {})[name] = host;
    }
    this.#instance = new WebAssembly.Instance(module, imports);
    try {
      this.#export("_start")();
    } catch (thrown) {
      if (thrown !== ended) throw thrown;
    }
  }

  static async load(path: string, functions: Record<string, HostFunction> = {}): Promise<Guest> {
    const bytes = await Deno.readFile(new URL(`../../${path}`, import.meta.url));
    return new Guest(await WebAssembly.compile(bytes), functions);
  }

  /** The size of the guest's memory, in bytes. */
  get memorySize(): number {
    return this.#bytes().length;
  }

  /** Calls the cli handler and returns its undecoded result. */
  callHandle(joined: string, allocator: Allocator = "malloc"): string {
    return this.#call("callHandle", [joined], allocator);
  }

  /** Calls the http handler and returns its undecoded result. */
  callHandleHttp(body: string, headers: string, allocator: Allocator = "malloc"): string {
    return this.#call("callHandleHttp", [body, headers], allocator);
  }

  /** Passes all arguments in one block; an empty argument is (0, 0). */
  #call(name: string, inputs: string[], allocator: Allocator): string {
    const blocks = inputs.map((input) => encoder.encode(input));
    const size = blocks.reduce((sum, block) => sum + block.length, 0);
    const start = size === 0 ? 0 : Number(this.#export(allocator)(size)) >>> 0;
    const values: number[] = [];
    let at = start;
    for (const block of blocks) {
      this.#bytes().set(block, at);
      values.push(block.length === 0 ? 0 : at, block.length);
      at += block.length;
    }
    const packed = BigInt.asUintN(64, BigInt(this.#export(name)(...values) ?? 0));
    const result = this.#text(Number(packed >> 32n), Number(packed & 0xffffffffn));
    if (allocator === "malloc" && size > 0) this.#export("free")(start);
    return result;
  }

  /** Creates an import of `env` or `capsule`: (pointer, length) pairs, then the result's cells. */
  #hostFunction(name: string, functions: Record<string, HostFunction>): Call {
    if (name === "hostLogString") {
      return (pointer = 0, length = 0) => void this.log.push(this.#text(pointer, length));
    }
    return (...values) => {
      const [pointerCell = 0, lengthCell = 0] = values.splice(-2);
      const inputs: string[] = [];
      for (let i = 0; i < values.length; i += 2) {
        inputs.push(this.#text(values[i] ?? 0, values[i + 1] ?? 0));
      }
      const host = functions[name];
      if (!host) {
        throw new Error(
          `the guest called ${name}(${inputs.join(", ")}), which this test does not provide`,
        );
      }
      const answer = encoder.encode(host(...inputs));
      const pointer = answer.length === 0
        ? 0
        : Number(this.#export("allocateBuffer")(answer.length));
      const view = new DataView(this.#bytes().buffer);
      view.setUint32(pointerCell, pointer, true);
      view.setUint32(lengthCell, answer.length, true);
      this.#bytes().set(answer, pointer);
      return undefined;
    };
  }

  #wasi(name: string): Call {
    if (name === "proc_exit") {
      return () => {
        throw ended;
      };
    }
    if (name === "random_get") {
      return (pointer = 0, length = 0) => {
        crypto.getRandomValues(this.#bytes().subarray(pointer, pointer + length));
        return 0;
      };
    }
    return () => 0;
  }

  #export(name: string): Call {
    const exported = this.#instance.exports[name];
    if (typeof exported !== "function") throw new Error(`the guest exports no function ${name}`);
    return exported as Call;
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      (this.#instance.exports.memory as WebAssembly.Memory).buffer as ArrayBuffer,
    );
  }

  #text(pointer: number, length: number): string {
    return decoder.decode(this.#bytes().subarray(pointer >>> 0, (pointer >>> 0) + (length >>> 0)));
  }
}

/** Thrown by `proc_exit`, with which TinyGo ends `_start`. */
const ended = new Error("the guest exited");
