import { createHash } from "node:crypto";
import { pullModule, type PullOptions } from "../../src/oci/pull_module.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { memoryLog } from "../server/memory_log.ts";

export const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, 2, 1, 0x61);
export const digestOf = (bytes: Uint8Array | string) =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
export const sha256 = digestOf(module).slice(7);

export function manifestOf(bytes: Uint8Array, more: Record<string, unknown> = {}): string {
  const layer = { mediaType: "application/wasm", digest: digestOf(bytes), size: bytes.length };
  return JSON.stringify({ schemaVersion: 2, layers: [layer], ...more });
}

/** A registry with one tag that records its requests. Tests change its responses. */
export interface FakeRegistry extends AsyncDisposable {
  host: string;
  requests: string[];
  manifest: string;
  /** Called with each request first; its response replaces the usual one. */
  before: (request: Request, url: URL) => Response | undefined;
  blob: Uint8Array<ArrayBuffer>;
}

export function registry(): FakeRegistry {
  const state: Omit<FakeRegistry, typeof Symbol.asyncDispose | "host"> = {
    requests: [],
    manifest: manifestOf(module),
    blob: module,
    before: () => undefined,
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const url = new URL(request.url);
    state.requests.push(`${request.method} ${url.pathname}`);
    const first = state.before(request, url);
    if (first) return first;
    if (url.pathname.includes("/manifests/")) return new Response(state.manifest);
    return new Response(state.blob);
  });
  return Object.assign(state, {
    host: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

export async function withCache(
  work: (
    pull: (url: string, more?: Partial<PullOptions>) => ReturnType<typeof pullModule>,
    world: { folder: string; stderr: () => string },
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "capsule-cache-" });
  const { log, stderr } = memoryLog();
  const io = memoryIo({ env: { HOME: folder } });
  try {
    await work(
      (url, more) =>
        pullModule({
          url,
          cacheFolder: `${folder}/cache`,
          env: io.env,
          stderr: io.stderr,
          log,
          ...more,
        }),
      { folder, stderr },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
