/** Registry, proxy and worker as processes, for tests of the whole chain. */
import { fileURLToPath } from "node:url";
import { type ProcessOptions, type Running, startCapsule } from "./capsule.ts";
import { freePort } from "./free_port.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The response to a call. */
export interface Called {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- a response, which assertions inspect
  readonly body: any;
}

/** Sends JSON to an admin interface. */
export async function callJson(
  method: string,
  url: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Called> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** A registry, a proxy and workers in one folder. */
export class Platform implements AsyncDisposable {
  readonly folder: string;
  readonly registry: Running;
  readonly proxy: Running;
  readonly #running: Running[] = [];

  private constructor(folder: string, registry: Running, proxy: Running) {
    this.folder = folder;
    this.registry = registry;
    this.proxy = proxy;
  }

  static async start(): Promise<Platform> {
    const folder = await Deno.makeTempDir();
    const [registry, proxy] = await Promise.all([
      startCapsule(["-mode=registry", `-files=${folder}/modules`, "-overwrite"]),
      startCapsule(["-mode=reverse-proxy", "-backend=memory", `-httpPort=${freePort()}`]),
    ]);
    return new Platform(folder, registry, proxy);
  }

  /** Starts a worker whose `-data` is the folder's `data`, or another one. */
  async worker(
    args: readonly string[] = [],
    options: ProcessOptions & { data?: string } = {},
  ): Promise<Running> {
    const { data = `${this.folder}/data`, ...more } = options;
    const worker = await startCapsule([
      "-mode=worker",
      `-data=${data}`,
      `-reverseProxy=${this.proxy.url}`,
      "-httpPortCounter=0",
      ...args,
    ], more);
    this.#running.push(worker);
    return worker;
  }

  /** Uploads a module of this repository and returns its download URL. */
  async upload(path: string, name: string): Promise<string> {
    const form = new FormData();
    form.set("file", new Blob([await Deno.readFile(`${root}${path}`)]), `${name}.wasm`);
    const response = await fetch(`${this.registry.url}/upload/me/${name}/0.0.0`, {
      method: "POST",
      body: form,
    });
    if (!response.ok) throw new Error(await response.text());
    await response.body?.cancel();
    return `${this.registry.url}/me/${name}/0.0.0/${name}.wasm`;
  }

  /** Returns the proxy's routes. */
  async routes(): Promise<Record<string, Record<string, string[]>>> {
    return (await callJson("GET", `${this.proxy.url}/memory/functions/list`)).body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((worker) => worker.stop()));
    await Promise.all([this.registry.stop(), this.proxy.stop()]);
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Returns the ids of the running children of a process. Linux only. */
export async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(parent) === pid && state !== "Z") children.push(Number(name));
  }
  return children;
}

/** Returns the relative paths of all files and folders below a folder. */
export async function filesBelow(folder: string, under = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${under}`)) {
    found.push(under + name);
    if (isDirectory) found.push(...await filesBelow(folder, `${under}${name}/`));
  }
  return found.sort();
}

/**
 * Repeats a call until its result meets the condition; throws after a minute, with the last one.
 */
export async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const endMs = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > endMs) throw new Error(`not within a minute: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
