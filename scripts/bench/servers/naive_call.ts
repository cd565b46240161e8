/**
 * A minimal launcher: a new instance for each call, with just enough of WASI and the host functions
 * for `examples/hello-http`.
 */
const exited = new Error("proc_exit");
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The exports used here. */
interface Exports {
  memory: WebAssembly.Memory;
  _start(): void;
  malloc(size: number): number;
  allocateBuffer(size: number): number;
  callHandleHttp(...pointersAndLengths: number[]): bigint;
}

/** The input of a call; headers are the list that the guest parses. */
export interface NaiveCall {
  readonly body: Uint8Array;
  readonly headers: string;
  readonly log: (line: string) => void;
}

/** Calls the http handler of a new instance and returns its result. */
export function naiveCall(module: WebAssembly.Module, { body, headers, log }: NaiveCall): string {
  const bytes = () => new Uint8Array(guest.memory.buffer);
  const text = (pointer: number, length: number) =>
    decoder.decode(bytes().subarray(pointer, pointer + length));
  const write = (data: Uint8Array, pointer: number) => (bytes().set(data, pointer), pointer);
  const wasi: Record<string, (...numbers: number[]) => unknown> = {
    proc_exit: () => {
      throw exited;
    },
    random_get: (pointer = 0, length = 0) => {
      crypto.getRandomValues(bytes().subarray(pointer, pointer + length));
      return 0;
    },
  };
  for (const { module: from, name } of imports(module)) {
    if (from === "wasi_snapshot_preview1") wasi[name] ??= () => 0;
  }
  const env = {
    hostLogString: (pointer: number, length: number) => log(text(pointer, length)),
    hostGetEnv: (pointer: number, length: number, pointerCell: number, lengthCell: number) => {
      const value = encoder.encode(Deno.env.get(text(pointer, length)));
      const at = write(value, guest.allocateBuffer(value.length));
      const view = new DataView(guest.memory.buffer);
      view.setUint32(pointerCell, at, true);
      view.setUint32(lengthCell, value.length, true);
    },
  };
  const guest = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi, env })
    .exports as unknown as Exports;
  try {
    guest._start();
  } catch (error) {
    if (error !== exited) throw error;
  }
  const list = encoder.encode(headers);
  const listAt = guest.malloc(list.length + body.length);
  const bodyAt = listAt + list.length;
  write(list, listAt);
  write(body, bodyAt);
  const result = BigInt.asUintN(64, guest.callHandleHttp(bodyAt, body.length, listAt, list.length));
  return text(Number(result >> 32n), Number(result & 0xffffffffn));
}

const known = new WeakMap<WebAssembly.Module, WebAssembly.ModuleImportDescriptor[]>();

function imports(module: WebAssembly.Module): WebAssembly.ModuleImportDescriptor[] {
  let list = known.get(module);
  if (list === undefined) known.set(module, list = WebAssembly.Module.imports(module));
  return list;
}
