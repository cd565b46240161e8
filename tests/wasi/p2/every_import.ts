import { codecOf, type CoreValue, type Value } from "../../../src/component/abi/codec.ts";
import type { AbiContext } from "../../../src/component/abi/context.ts";
import { coreFuncType, flatSignature } from "../../../src/component/abi/flatten.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import type { ComponentValueType, FuncType } from "../../../src/component/types/types.ts";
import { openRequestBody } from "../../../src/function/component/request_body.ts";
import { Exchange } from "../../../src/function/component/exchange.ts";
import { toRequestHead } from "../../../src/function/component/request_head.ts";
import { promising } from "../../../src/wasm/jspi.ts";
import { moduleAt } from "../../testing/function.ts";
import { serveComponentBytes, type TestComponent } from "../../testing/component.ts";
import { TemporaryFolder } from "../../testing/temporary_folder.ts";

/** The component that imports every function of WASI 0.2.4 (`testdata/wasi02/build.ts`). */
const everything = await moduleAt("tests/testdata/wasi02/everything.wasm");

/** Bytes of its memory, which does not grow. */
export const memoryBytes = 2 * 65_536;
/** Offset of results. */
const resultAt = 64;

/** A function that the component imports. */
export interface ImportedFunction {
  /** As `wasi:io/poll@0.2.4#poll`. */
  readonly name: string;
  readonly type: FuncType;
}

/** Every function that the component imports. */
export const functions: readonly ImportedFunction[] = [
  ...linkComponent(decodeComponent(everything)).imports,
].flatMap(([interfaceName, item]) =>
  item.sort !== "instance"
    ? []
    : [...item.exports].flatMap(([name, item]) =>
      item.sort === "func" ? [{ name: `${interfaceName}#${name}`, type: item.type }] : []
    )
);

/** Every resource that the functions name, as `wasi:io/poll@0.2.4 pollable`. */
export const resources: readonly string[] = [
  ...new Set(functions.flatMap(({ type }) => handles(type))),
];

function handles({ params, result }: FuncType): string[] {
  return [...params.map(({ type }) => type), ...(result ? [result] : [])].flatMap((type) =>
    type.kind === "own" || type.kind === "borrow" ? [resourceOf(type) ?? ""] : []
  );
}

/** Returns the interface and the name of the resource of a handle. */
export function resourceOf(type: ComponentValueType): string | undefined {
  if (type.kind !== "own" && type.kind !== "borrow") return undefined;
  return type.resource.resource.path?.join(" ");
}

const version = "0.2.4";
const from = (name: string) => `wasi:${name.replace("#", `@${version}#`)}`;

/** One call of the component, in which its core module calls imports with any core values. */
export class EveryImport {
  /** Handles that were made, in order, with their resources. */
  readonly made: { readonly resource: string; readonly handle: number }[] = [];
  readonly #exports: WebAssembly.Exports;
  readonly #upstream: string;

  /** @param upstream host and port of an HTTP server. */
  constructor(exports: WebAssembly.Exports, upstream: string) {
    this.#exports = exports;
    this.#upstream = upstream;
  }

  /** Grows the memory to this many pages. */
  growTo(pages: number): void {
    const memory = this.#exports.memory as WebAssembly.Memory;
    memory.grow(pages - memory.buffer.byteLength / 65_536);
  }

  get view(): DataView {
    return new DataView((this.#exports.memory as WebAssembly.Memory).buffer);
  }

  /** End of the memory that `realloc` has allocated. */
  get top(): number {
    return (this.#exports.top as WebAssembly.Global).value;
  }

  /** Makes `realloc` return this pointer; undefined for a valid one. */
  set answer(pointer: number | undefined) {
    (this.#exports.answer as WebAssembly.Global).value = BigInt(pointer ?? -1);
  }

  /** Calls an import with core values. */
  async call(name: string, flat: readonly CoreValue[]): Promise<CoreValue | undefined> {
    const func = this.#exports[name];
    if (!func) throw new Error(`the component has no import ${name}`);
    const called = promising(func as WebAssembly.ExportValue) as (
      ...args: readonly CoreValue[]
    ) => Promise<CoreValue | undefined>;
    return await called(...flat);
  }

  async drop(resource: string, handle: number): Promise<void> {
    const [interfaceName, name] = resource.split(" ");
    await this.call(`${interfaceName}#[resource-drop]${name}`, [handle]);
  }

  /** Returns core values of a valid call, as far as that needs no state. */
  async validFlat({ type }: ImportedFunction): Promise<CoreValue[]> {
    const { params } = type;
    const values: Value[] = [];
    for (const { type } of params) values.push(await this.#validValue(type));
    const flat: CoreValue[] = [];
    const { paramsInMemory, resultInMemory, params: { offsets, size, alignment } } = flatSignature(
      type,
      "lower",
    );
    if (paramsInMemory) {
      const pointer = this.#allocate(alignment, size);
      params.forEach(({ type }, at) =>
        codecOf(type).store(this.#context, values[at], pointer + (offsets[at] ?? 0))
      );
      flat.push(pointer);
    } else params.forEach(({ type }, at) => codecOf(type).lower(this.#context, values[at], flat));
    return resultInMemory ? [...flat, resultAt] : flat;
  }

  /** Makes a resource. Returns 0, an invalid handle, if the resource cannot be made here. */
  async make(resource: string): Promise<number> {
    const handle = await this.#make(resource.replace(/^wasi:\S+ /, ""));
    if (handle !== 0) this.made.push({ resource, handle });
    return handle;
  }

  async #make(name: string): Promise<number> {
    const direct = async (name: string, ...flat: CoreValue[]) =>
      Number(await this.call(from(name), flat));
    /** Calls a function that returns a result with a handle, `offset` bytes after its case. */
    const inResult = async (offset: number, name: string, ...flat: CoreValue[]) => {
      await this.call(from(name), [...flat, resultAt]);
      const isOk = this.view.getUint8(resultAt) === 0;
      return isOk ? this.view.getUint32(resultAt + offset, true) : 0;
    };
    switch (name) {
      case "pollable":
        return await direct("clocks/monotonic-clock#subscribe-duration", 0n);
      case "input-stream":
        return await direct("cli/stdin#get-stdin");
      case "output-stream":
        return await direct("cli/stdout#get-stdout");
      case "descriptor":
        await this.call(from("filesystem/preopens#get-directories"), [resultAt]);
        return this.view.getUint32(this.view.getUint32(resultAt, true), true);
      case "directory-entry-stream":
        return await inResult(
          4,
          "filesystem/types#[method]descriptor.read-directory",
          await this.make(`wasi:filesystem/types@${version} descriptor`),
        );
      case "fields":
      case "request-options":
        return await direct(`http/types#[constructor]${name}`);
      case "outgoing-request":
      case "outgoing-response": {
        const fields = await this.make(`wasi:http/types@${version} fields`);
        return await direct(`http/types#[constructor]${name}`, fields);
      }
      case "outgoing-body":
        return await inResult(
          4,
          "http/types#[method]outgoing-response.body",
          await this.make(`wasi:http/types@${version} outgoing-response`),
        );
      case "incoming-request":
        return (this.#exports.request as WebAssembly.Global).value;
      case "response-outparam":
        return (this.#exports.outparam as WebAssembly.Global).value;
      case "incoming-body":
        return await inResult(
          4,
          "http/types#[method]incoming-request.consume",
          await this.make(`wasi:http/types@${version} incoming-request`),
        );
      case "future-trailers":
        return await direct(
          "http/types#[static]incoming-body.finish",
          await this.make(`wasi:http/types@${version} incoming-body`),
        );
      case "future-incoming-response": {
        const request = await this.make(`wasi:http/types@${version} outgoing-request`);
        const name = from("http/types#[method]outgoing-request.set-authority");
        await this.call(name, [request, 1, ...this.#text(this.#upstream)]);
        const setScheme = from("http/types#[method]outgoing-request.set-scheme");
        await this.call(setScheme, [request, 1, 0, 0, 0]);
        return await inResult(8, "http/outgoing-handler#handle", request, 0, 0);
      }
      case "incoming-response": {
        const future = await this.make(`wasi:http/types@${version} future-incoming-response`);
        const method = "http/types#[method]future-incoming-response";
        const pollable = await direct(`${method}.subscribe`, future);
        await this.call(from("io/poll#[method]pollable.block"), [pollable]);
        // An option of a result of a result, each 8 bytes before its content.
        await this.call(from(`${method}.get`), [future, resultAt]);
        const isOk = this.view.getUint8(resultAt + 16) === 0;
        return isOk ? this.view.getUint32(resultAt + 24, true) : 0;
      }
      case "error": {
        const response = await this.make(`wasi:http/types@${version} incoming-response`);
        const consume = "http/types#[method]incoming-response.consume";
        const body = await inResult(4, consume, response);
        const stream = await inResult(4, "http/types#[method]incoming-body.stream", body);
        const read = from("io/streams#[method]input-stream.blocking-read");
        const isOk = () => this.view.getUint8(resultAt) === 0;
        do await this.call(read, [stream, 100n, resultAt]); while (isOk());
        const isFailed = this.view.getUint8(resultAt + 4) === 0;
        return isFailed ? this.view.getUint32(resultAt + 8, true) : 0;
      }
      case "network":
        return await direct("sockets/instance-network#instance-network");
      case "tcp-socket":
      case "udp-socket": {
        const kind = name.slice(0, 3);
        return await inResult(4, `sockets/${kind}-create-socket#create-${name}`, 0);
      }
      case "incoming-datagram-stream":
      case "outgoing-datagram-stream": {
        const socket = await this.make(`wasi:sockets/udp@${version} udp-socket`);
        const network = await this.make(`wasi:sockets/network@${version} network`);
        const loopback = [0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        const method = "sockets/udp#[method]udp-socket";
        await this.call(from(`${method}.start-bind`), [socket, network, ...loopback, resultAt]);
        await this.call(from(`${method}.finish-bind`), [socket, resultAt]);
        const none = Array<number>(13).fill(0);
        const offset = name.startsWith("incoming") ? 4 : 8;
        return await inResult(offset, "sockets/udp#[method]udp-socket.stream", socket, ...none);
      }
      case "resolve-address-stream": {
        const network = await this.make(`wasi:sockets/network@${version} network`);
        const text = this.#text("127.0.0.1");
        return await inResult(4, "sockets/ip-name-lookup#resolve-addresses", network, ...text);
      }
      default:
        return 0;
    }
  }

  async #validValue(type: ComponentValueType): Promise<Value> {
    switch (type.kind) {
      case "own":
      case "borrow":
        return await this.make(resourceOf(type) ?? "");
      case "bool":
        return true;
      case "u64":
      case "s64":
        return 1n;
      case "char":
        return "a";
      case "string":
        return "ab";
      case "list":
        if (type.element.kind === "u8") return Uint8Array.of(65, 66);
        return [await this.#validValue(type.element)];
      case "record": {
        const values = [];
        for (const { label, type: field } of type.fields) {
          values.push([label, await this.#validValue(field)]);
        }
        return Object.fromEntries(values);
      }
      case "tuple": {
        const values = [];
        for (const part of type.types) values.push(await this.#validValue(part));
        return values;
      }
      case "enum":
        return type.labels[0];
      case "option":
        return undefined;
      case "variant": {
        const [first] = type.cases;
        return { tag: first?.label, value: first?.type && await this.#validValue(first.type) };
      }
      case "result":
        return { tag: "ok", value: type.ok && await this.#validValue(type.ok) };
      default:
        return 1;
    }
  }

  #text(text: string): [pointer: number, length: number] {
    const flat: CoreValue[] = [];
    codecOf({ kind: "string" }).lower(this.#context, text, flat);
    return flat as [number, number];
  }

  #allocate(alignment: number, size: number): number {
    return (this.#exports.cabi_realloc as (...args: number[]) => number)(0, 0, alignment, size);
  }

  /** Writes values as the guest does; the representation of a handle is its index. */
  get #context(): AbiContext {
    const { view } = this;
    const unused = () => {
      throw new Error("a guest lifts nothing here");
    };
    return {
      memory: {
        view: view as DataView<ArrayBuffer>,
        bytes: new Uint8Array(view.buffer as ArrayBuffer),
      },
      encoding: "utf8",
      countLifted: () => {},
      realloc: (_old, _size, alignment, size) => this.#allocate(alignment, size),
      liftOwn: unused,
      liftBorrow: unused,
      lowerOwn: (_, rep) => rep as number,
      lowerBorrow: (_, rep) => rep as number,
      ...{ liftCopy: unused, lowerCopy: unused, liftError: unused, lowerError: unused },
    };
  }
}

/** The positions of parameters in the core values of a call, each with its core type. */
export function positionsOf({ type }: ImportedFunction): {
  readonly params: readonly { readonly at: number; readonly type: ComponentValueType }[];
  readonly core: readonly string[];
  /** Position of the pointer to the result, if it is returned in memory. */
  readonly result: number | undefined;
} {
  const core = coreFuncType(type, "lower").params;
  const { paramsInMemory, resultInMemory } = flatSignature(type, "lower");
  let at = 0;
  const params = paramsInMemory ? [] : type.params.map(({ type }) => {
    const here = at;
    at += flatSignature({ params: [{ label: "x", type }], result: undefined }, "lower")
      .params.flat.length;
    return { at: here, type };
  });
  return { params, core, result: resultInMemory ? core.length - 1 : undefined };
}

/** The component, served with all grants that its imports can use. */
export interface ServedImports extends AsyncDisposable {
  /** Makes a call of the component, as a request does, and runs `work` in it. */
  call<T>(work: (guest: EveryImport, assertInTime: () => void) => Promise<T>): Promise<T>;
}

/** Serves the component, with a folder and an HTTP server whose responses are cut off. */
export async function serveEverything(...flags: string[]): Promise<ServedImports> {
  const folder = new TemporaryFolder();
  folder.write("inside/ab", "content");
  const upstream = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const answering = answerShort(upstream);
  const served = await serveComponentBytes(everything, [
    ...["-allowNet=127.0.0.1", "-allowListen=127.0.0.1:0", `-dir=${folder.inside}::/data`],
    ...flags,
  ]);
  return {
    call: (work) => inCall(served, `127.0.0.1:${(upstream.addr as Deno.NetAddr).port}`, work),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      upstream.close();
      await answering;
      folder[Symbol.dispose]();
    },
  };
}

async function answerShort(upstream: Deno.Listener): Promise<void> {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
  for await (const connection of upstream) {
    try {
      await connection.read(new Uint8Array(1000));
      await connection.write(new TextEncoder().encode(`${head}cut off`));
    } catch {
      // The guest went away.
    }
    connection.close();
  }
}

async function inCall<T>(
  { called }: TestComponent,
  upstream: string,
  work: (guest: EveryImport, assertInTime: () => void) => Promise<T>,
): Promise<T> {
  const request = new Request("http://test/path");
  const head = toRequestHead(request);
  const body = await openRequestBody(request, head, 1000);
  return await called.callAwaitable({
    runAwaitable: async (instance) => {
      const exchange = new Exchange(head, body, instance.handler);
      await instance.entry.callAwaitable(exchange.args);
      const exports = instance.live.coreExports.find(({ answer }) => answer !== undefined);
      if (!exports) throw new Error("the component has no module with every import");
      return await work(new EveryImport(exports, upstream), () => instance.guest.assertInTime());
    },
  });
}
