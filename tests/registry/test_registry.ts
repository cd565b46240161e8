import { createHash } from "node:crypto";
import { openRegistry, type Registry, type RegistryOptions } from "../../src/registry/registry.ts";
import { memoryLog } from "../server/memory_log.ts";

/** A registry in a temporary folder, called without a port. */
export interface TestRegistry extends AsyncDisposable {
  readonly registry: Registry;
  readonly files: string;
  /** Returns the log. */
  readonly stderr: () => string;
  /** Sends a request as a program on this machine: `call("GET", "/modules")`. */
  call(method: string, path: string, init?: RequestInit): Promise<Response>;
  /** Closes the registry and opens it again, as a new process would. */
  reopen(options?: Partial<RegistryOptions>): Promise<void>;
}

export async function testRegistry(options: Partial<RegistryOptions> = {}): Promise<TestRegistry> {
  const files = await Deno.makeTempDir({ prefix: "capsule-registry-" });
  const { log, stderr } = memoryLog();
  const open = (more: Partial<RegistryOptions> = {}) =>
    openRegistry({ files, host: "127.0.0.1", log, ...options, ...more });
  let registry = await open();
  return {
    get registry() {
      return registry;
    },
    files,
    stderr,
    async call(method, path, init = {}) {
      return await registry.handler(
        new Request(`http://localhost:4999${path}`, { method, ...init }),
      );
    },
    async reopen(more) {
      await registry[Symbol.asyncDispose]();
      registry = await open(more);
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await Deno.remove(files, { recursive: true });
    },
  };
}

/** Makes a module of one custom section that contains a text and `bytes` zeros. */
export function wasm(text = "", bytes = 0): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(1 + new TextEncoder().encode(text).length + bytes);
  content.set(new TextEncoder().encode(text), 1);
  const size: number[] = [];
  for (let rest = content.length; size.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    size.push((rest % 128) + (rest >= 128 ? 128 : 0));
  }
  const head = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...size);
  const module = new Uint8Array(head.length + content.length);
  module.set(head);
  module.set(content, head.length);
  return module;
}

/** Makes the form of an upload. */
export function form(
  module: Uint8Array<ArrayBuffer>,
  info?: string,
  filename = "hola.wasm",
): FormData {
  const data = new FormData();
  data.set("file", new Blob([module]), filename);
  if (info !== undefined) data.set("info", info);
  return data;
}

export function sha256(bytes: Uint8Array | string): `sha256:${string}` {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function sha512(bytes: Uint8Array | string): `sha512:${string}` {
  return `sha512:${createHash("sha512").update(bytes).digest("hex")}`;
}

/** Reads a response's body. */
export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

/** Returns the paths of the files below a folder, without the store's own folder. */
export async function pathsBelow(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    if (name === ".capsule") continue;
    if (isDirectory) found.push(...await pathsBelow(folder, `${prefix}${name}/`));
    else found.push(prefix + name);
  }
  return found.sort();
}
