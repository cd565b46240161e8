import assert from "node:assert/strict";
import { reflect, service, startBoth } from "./both_servers.ts";
import { withoutDifferences } from "./differences.ts";
import { exchange } from "./raw_exchange.ts";
import { reflectKinds, requestsFrom } from "./requests.ts";
import { serviceKinds } from "./service_requests.ts";

/** Requests in flight. */
const parallel = 8;

/** A comparison of the hosts; the same seed makes the same requests. */
export interface Comparison {
  /** The version of `wasi:http` of the component. */
  readonly wasi: "0.2" | "0.3";
  readonly seed: number;
  readonly count: number;
}

/** Sends requests to one component under wasmtime and here; all responses must be the same. */
export async function assertSame({ wasi, seed, count }: Comparison): Promise<void> {
  await using servers = await startBoth(wasi === "0.2" ? reflect : service);
  await using upstream = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, respond);
  const kinds = (wasi === "0.2" ? reflectKinds : serviceKinds)(`127.0.0.1:${upstream.addr.port}`);
  const requests = requestsFrom(kinds, { seed, count });
  const compare = async () => {
    for (let request = requests.pop(); request; request = requests.pop()) {
      const [theirs, ours] = await Promise.all([
        exchange(servers.wasmtimePort, request),
        exchange(servers.capsulePort, request),
      ]);
      assert.deepEqual(
        withoutDifferences(request, ours),
        withoutDifferences(request, theirs),
        request.title,
      );
    }
  };
  await Promise.all(Array.from({ length: parallel }, compare));
  // The launcher has no bugs to report.
  assert.doesNotMatch(servers.capsule.stderr.text, /bug in capsule/);
}

/** Responds to the requests of guests with what it got, and with the status in the path. */
async function respond(request: Request): Promise<Response> {
  const body = await request.bytes();
  const status = Number(/\/status\/(\d+)/.exec(request.url)?.[1] ?? 200);
  const path = request.url.slice(request.url.indexOf("/", 8));
  const headers = new Headers({
    "x-seen": `${request.method} ${path} ${request.headers.get("x-a")}`,
    "content-type": "application/octet-stream",
  });
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  return new Response(status === 204 ? null : body, { status, headers });
}
