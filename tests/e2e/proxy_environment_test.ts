import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { makeCertificates } from "../testing/certificates.ts";
import { callJson, Platform } from "../testing/platform.ts";
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

/** Deno itself looks for updates now and then, by the same proxy. */
const quiet = { DENO_NO_UPDATE_CHECK: "1" };
const httpGet = new URL("../../examples/http-get/http-get.wasm", import.meta.url).pathname;
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
    const env = {
      ...quiet,
      HTTP_PROXY: proxy.origin,
      http_proxy: proxy.origin,
      ALL_PROXY: proxy.origin,
    };
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
    const env = { ...quiet, HTTP_PROXY: proxy.origin, NO_PROXY: "other.example" };
    for (const [request, args] of commands("http://server.example", folder)) {
      if (request.includes("/v2/")) args.push("-insecure");
      proxy.requests.length = 0;
      const { stderr } = await runCapsule(args, { env });
      assert.equal(proxy.requests[0], request, stderr);
    }
  }));

Deno.test("-httpProxy: Http uses the proxies of the environment only with env", async () => {
  await using proxy = startRecorder();
  const env = { ...quiet, HTTP_PROXY: proxy.origin };
  const call = (...flags: string[]) =>
    runCapsule(["-mode=cli", `-wasm=${httpGet}`, ...flags, "http://server.invalid/x"], { env });
  const direct = await call();
  assert.match(direct.stdout + direct.stderr, /no such host/);
  assert.deepEqual(proxy.requests, []);
  const proxied = await call("-httpProxy=env");
  assert.match(proxied.stdout, /recorded/);
  assert.deepEqual(proxy.requests, ["GET http://server.invalid/x"]);
  const refused = await call("-httpProxy=env", "-allowNet=other.invalid");
  assert.match(refused.stderr, /-allowNet=server\.invalid:80 would allow it/);
  assert.equal(proxy.requests.length, 1);
});

Deno.test("-ca: Http, downloads and -healthCheck trust its authorities", () =>
  inFolder(async (folder) => {
    await makeCertificates(folder);
    const server = serveTls(
      folder,
      ({ url }) => new Response(url.endsWith(".wasm") ? Deno.readFileSync(hello) : "private"),
    );
    const origin = `https://localhost:${server.addr.port}`;
    const commands = [
      ["-mode=cli", `-wasm=${httpGet}`, `${origin}/x`],
      ["-mode=pull", `-wasm=${folder}/a.wasm`, `-url=${origin}/a.wasm`],
      [`-healthCheck=${origin}/x`],
    ];
    for (const [first = "", ...rest] of commands) {
      const strict = await runCapsule([first, ...rest]);
      assert.match(strict.stdout + strict.stderr, /certificate|issuer/i, first);
      const trusting = await runCapsule([first, `-ca=${folder}/ca.crt`, ...rest]);
      assert.equal(trusting.code, 0, trusting.stderr);
    }
    const missing = await runCapsule(["-mode=pull", "-ca=none.crt", "-wasm=a", "-url=http://h/"]);
    assert.match(missing.stderr, /^capsule: cannot read the certificates of -ca=none\.crt: /m);
    const invalid = await runCapsule([`-healthCheck=${origin}`, `-ca=${folder}/server.key`]);
    assert.match(invalid.stderr, /contains no certificate in PEM/);
    await server.shutdown();
  }));

Deno.test("-ca: the functions of a worker and the threads of http trust its authorities", () =>
  inFolder(async (folder) => {
    await makeCertificates(folder);
    const server = serveTls(folder, () => new Response("private"));
    const url = `https://localhost:${server.addr.port}/`;
    const guest = "tests/testdata/go/upstream/upstream.wasm";
    const ca = `-ca=${folder}/ca.crt`;
    const callUpstream = async (address: string) =>
      await (await fetch(address, { headers: { "upstream-url": url } })).text();
    {
      const wasm = new URL(`../../${guest}`, import.meta.url).pathname;
      await using threads = await startCapsule(["-mode=http", `-wasm=${wasm}`, "-threads=2", ca]);
      assert.equal(await callUpstream(threads.url), "private");
    }
    {
      await using platform = await Platform.start();
      const worker = await platform.worker([ca]);
      const downloadUrl = await platform.upload(guest, "upstream");
      const deployed = await callJson("POST", `${worker.url}/functions/deploy`, {
        body: { function: "upstream", revision: "blue", downloadUrl },
      });
      assert.equal(deployed.status, 202, JSON.stringify(deployed.body));
      assert.equal(
        await callUpstream(`${platform.proxy.url}/functions/upstream/blue`),
        "private",
      );
    }
    await server.shutdown();
  }));

/** Serves HTTPS with the certificate that `makeCertificates` wrote into the folder. */
function serveTls(folder: string, handler: Deno.ServeHandler<Deno.NetAddr>) {
  return Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(`${folder}/server.crt`),
    key: Deno.readTextFileSync(`${folder}/server.key`),
    onListen: () => {},
  }, handler);
}
