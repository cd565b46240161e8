import { CapsuleError } from "../base/errors.ts";
import { fetchReason } from "../base/fetch_reason.ts";
import { bearer } from "../base/bearer.ts";
import type { ModuleName } from "./store/names.ts";

/** A module as `GET /modules` lists it. */
export interface RemoteModule extends ModuleName {
  size: number;
  /** `sha256:…` */
  digest: string;
  createdAt: string;
  path: string | null;
}

/** How a registry is reached. */
export interface RegistryClientOptions {
  /** Where it listens, such as `http://localhost:4999`. */
  url: string;
  /** The admin's, or for reading the reader's. */
  token?: string;
  signal?: AbortSignal;
}

/** The description's interface of a registry, from the other side. */
export class RegistryClient {
  readonly #url: string;
  readonly #options: RegistryClientOptions;

  constructor(options: RegistryClientOptions) {
    this.#url = options.url.replace(/\/+$/, "");
    this.#options = options;
  }

  /** Where a module is downloaded from. */
  moduleUrl({ user, module, tag }: ModuleName): string {
    return `${this.#url}/${user}/${module}/${tag}/${module}.wasm`;
  }

  /** @throws CapsuleError `REGISTRY` */
  async modules(filter: Partial<ModuleName> = {}): Promise<RemoteModule[]> {
    const query = new URLSearchParams(Object.entries(filter));
    const response = await this.#send("GET", `/modules?${query}`);
    const list: RemoteModule[] = await response.json();
    return list;
  }

  /** The text that was uploaded with a module. */
  async info({ user, module, tag }: ModuleName): Promise<string> {
    const response = await this.#send("GET", `/info/${user}/${module}/${tag}`);
    return (await response.text()).replace(/\n$/, "");
  }

  /**
   * Uploads a module and returns its digest, `sha256:…`.
   *
   * @throws CapsuleError `REGISTRY` with the registry's own words, such as that the tag holds other bytes.
   */
  async upload(
    { user, module, tag }: ModuleName,
    { bytes, info, filename = `${module}.wasm`, onBytes }: {
      bytes: Uint8Array<ArrayBuffer>;
      info?: string;
      filename?: string;
      onBytes?: (length: number) => void;
    },
  ): Promise<string> {
    const form = new FormData();
    form.set("file", new Blob([bytes], { type: "application/wasm" }), filename);
    if (info !== undefined) form.set("info", info);
    const packed = new Response(form);
    const body = packed.body?.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(piece, controller) {
          onBytes?.(piece.length);
          controller.enqueue(piece);
        },
      }),
    );
    const headers = { "content-type": packed.headers.get("content-type") ?? "" };
    const response = await this.#send("POST", `/upload/${user}/${module}/${tag}`, { body, headers });
    await response.body?.cancel();
    return response.headers.get("docker-content-digest") ?? "";
  }

  async remove({ user, module, tag }: ModuleName): Promise<void> {
    await (await this.#send("DELETE", `/${user}/${module}/${tag}`)).body?.cancel();
  }

  async #send(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const { token, signal } = this.#options;
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", bearer(token));
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, { ...init, method, headers, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw new CapsuleError("REGISTRY", `cannot reach the registry ${this.#url}: ${fetchReason(error)}`, {
        cause: error,
      });
    }
    if (response.ok) return response;
    const text = await response.text();
    throw new CapsuleError(
      "REGISTRY",
      `the registry ${this.#url} answers ${response.status}: ${reasonOf(text)}`,
    );
  }
}

function reasonOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) return String(Reflect.get(body, "message") ?? text);
  } catch {
    // It is no registry of ours: its own words.
  }
  return text.slice(0, 200);
}
