import assert from "node:assert/strict";
import { runCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** A server on 127.0.0.1 that answers 404 and records the requests. */
function startRecorder(): { origin: string; requests: string[] } & AsyncDisposable {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(`${request.method} ${request.url}`);
    return Response.json({ code: "NOT_FOUND", message: "recorded" }, { status: 404 });
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const hello = new URL("../../examples/hello/hello.wasm", import.meta.url).pathname;

/** Command lines with a client, by the first request that they send. */
function commands(origin: string, folder: string): [request: string, args: string[]][] {
  const host = origin.replace("http://", "");
  return [
    [`GET ${origin}/health`, [`-healthCheck=${origin}/health`]],
    [`POST ${origin}/upload/me/hello/0.0.0`, [
      "-mode=push",
      `-wasm=${hello}`,
      `-url=${origin}/me/hello/0.0.0`,
    ]],
    [`GET ${origin}/a.wasm`, ["-mode=pull", `-wasm=${folder}/a.wasm`, `-url=${origin}/a.wasm`]],
    [`GET ${origin}/v2/me/hello/manifests/0.0.0`, [
      "-mode=pull",
      `-wasm=${folder}/b.wasm`,
      `-url=oci://${host}/me/hello:0.0.0`,
    ]],
    [`GET ${origin}/functions/list`, [
      "-mode=apply",
      `-config=${folder}/functions.yaml`,
      `-worker=${origin}`,
      "-adminToken=0123456789abcdef",
    ]],
  ];
}

Deno.test("HTTP_PROXY: every client of the launcher reaches this machine directly", () =>
  inFolder(async (folder) => {
    await using origin = startRecorder();
    await using proxy = startRecorder();
    await Deno.writeTextFile(`${folder}/functions.yaml`, "functions: {}\n");
    const env = { HTTP_PROXY: proxy.origin, http_proxy: proxy.origin, ALL_PROXY: proxy.origin };
    for (const [request, args] of commands(origin.origin, folder)) {
      origin.requests.length = 0;
      const { stderr } = await runCapsule(args, { env });
      assert.equal(origin.requests[0], request, stderr);
    }
    assert.deepEqual(proxy.requests, []);
  }));

Deno.test("HTTP_PROXY: every client of the launcher reaches another machine by the proxy", () =>
  inFolder(async (folder) => {
    await using proxy = startRecorder();
    await Deno.writeTextFile(`${folder}/functions.yaml`, "functions: {}\n");
    const env = { HTTP_PROXY: proxy.origin, NO_PROXY: "other.example" };
    for (const [request, args] of commands("http://server.example", folder)) {
      if (request.includes("/v2/")) args.push("-insecure");
      proxy.requests.length = 0;
      const { stderr } = await runCapsule(args, { env });
      assert.equal(proxy.requests[0], request, stderr);
    }
  }));
