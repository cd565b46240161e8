import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { ChunkedCall } from "../testing/chunked_call.ts";
import { echoMib } from "../testing/large_echo.ts";
import { until } from "../testing/platform.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { reflect } from "./wasmtime/both_servers.ts";
import { ByteReader, exchange, readResponse } from "./wasmtime/raw_exchange.ts";

const serve = (...flags: string[]) => startCapsule(["-mode=http", `-wasm=${reflect}`, ...flags]);

/** Acknowledges every event by a byte of the request's body; the guest sends the next one then. */
async function acknowledgeEvents(url: string): Promise<void> {
  using call = await ChunkedCall.open(`${url}/events`);
  assert.equal(await call.status(), 200);
  for (let number = 0; number < 5; number++) {
    assert.equal(await call.until("\n\n"), `data: ${number}\n\n`);
    await call.send("x");
  }
  assert.equal(await call.until("\n\n"), "data: 5\n\n");
  await call.end();
  assert.equal(await call.rest(), "");
}

/** Sends a body byte by byte, and each byte comes back before the next one. */
async function echoBytes(url: string): Promise<void> {
  using call = await ChunkedCall.open(`${url}/echo`);
  await call.send("a");
  assert.equal(await call.status(), 200);
  assert.equal(await call.until("a"), "a");
  for (const byte of ["b", "\xff", "\x00"]) {
    await call.send(byte);
    assert.equal(await call.until(byte), byte);
  }
  await call.end();
  assert.equal(await call.rest(), "");
}

Deno.test("component streams: events leave when they are written, bytes arrive one by one", async () => {
  await using server = await serve();
  await acknowledgeEvents(server.url);
  await echoBytes(server.url);
});

Deno.test("component streams: pass the reverse proxy as they are written", () =>
  inFolder(async (folder) => {
    await using server = await serve();
    await Deno.writeTextFile(`${folder}/routes.yaml`, `f:\n  default: ${server.url}\n`);
    const config = `-config=${folder}/routes.yaml`;
    await using proxy = await startCapsule(["-mode=reverse-proxy", config]);
    await acknowledgeEvents(`${proxy.url}/functions/f/default`);
    await echoBytes(`${proxy.url}/functions/f/default`);
  }));

Deno.test("component streams: pass faas as they are written", () =>
  inFolder(async (folder) => {
    await using faas = await startCapsule(["-mode=faas"], { cwd: folder });
    const token = (await Deno.readTextFile(`${folder}/.capsule/token`)).trim();
    const { registry, worker, proxy } = faas.ready;
    const options = { cwd: folder, env: { CAPSULE_ADMIN_TOKEN: token } };
    const url = `${registry}/tests/reflect/1`;
    const pushed = await runCapsule(
      ["-mode=push", `-wasm=${reflect}`, `-url=${url}`],
      options,
    );
    assert.equal(pushed.code, 0, pushed.stderr);
    await Deno.writeTextFile(
      `${folder}/functions.yaml`,
      `functions:\n  f:\n    one: { downloadUrl: "${url}/reflect.wasm", default: true }\n`,
    );
    const applied = await runCapsule(["-mode=apply", `-worker=${worker}`], options);
    assert.equal(applied.code, 0, applied.stderr);
    await acknowledgeEvents(`${proxy}/functions/f/one`);
    await echoBytes(`${proxy}/functions/f/one`);
  }));

/** Returns the figures of a server. */
const figuresOf = async (url: string) =>
  await (await fetch(`${url}/host-metrics`)).json() as { rss: number; busy: number };

/** Calls a server so often that guests which can run have run. */
async function callOften(url: string): Promise<void> {
  for (let count = 0; count < 200; count++) await (await fetch(`${url}/reflect`)).text();
}

const mebibyte = 1 << 20;

Deno.test("component streams: a guest waits for clients that do not read, in little memory", async () => {
  await using server = await serve();
  await callOften(server.url);
  const before = await figuresOf(server.url);
  const calls = await Promise.all(
    Array.from(
      { length: 20 },
      () => ChunkedCall.open(`${server.url}/source?bytes=100000000&chunk=65536`),
    ),
  );
  for (const call of calls) assert.equal(await call.status(), 200);
  await callOften(server.url);
  const after = await figuresOf(server.url);
  assert.equal(after.busy, 20);
  assert.ok(after.rss - before.rss < 100 * mebibyte, `${before.rss} → ${after.rss}`);
  for (const call of calls) call[Symbol.dispose]();
  // Clients that leave free the guests, which wait to write.
  await until(() => figuresOf(server.url), ({ busy }) => busy === 0);
});

/** Sends `total` MiB until no more is taken, which must be at half of them at most. */
async function sendToWaiting(url: string, call: ChunkedCall, total: number) {
  const before = await figuresOf(url);
  let sent = 0;
  const sending = (async () => {
    const piece = new Uint8Array(mebibyte);
    for (; sent < total; sent++) await call.send(piece);
    await call.end();
  })();
  for (let before = -1; before !== sent && sent < total;) {
    before = sent;
    await callOften(url);
  }
  const after = await figuresOf(url);
  assert.ok(sent < total / 2, `${sent} MiB were sent`);
  assert.ok(after.rss - before.rss < 64 * mebibyte, `${before.rss} → ${after.rss}`);
  return { done: sending };
}

Deno.test("component streams: a client waits for a guest that does not read", async () => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using upstream = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    asked.resolve();
    await release.promise;
    return new Response();
  });
  using stack = new DisposableStack();
  stack.defer(release.resolve);
  await using server = await serve();
  await callOften(server.url);
  using call = await ChunkedCall.open(
    `${server.url}/hold?to=127.0.0.1:${upstream.addr.port}&path=/`,
  );
  await asked.promise;
  const { done } = await sendToWaiting(server.url, call, 64);
  release.resolve();
  await done;
  assert.equal(await call.status(), 200);
});

Deno.test("component streams: a client that does not read its echo waits to send", async () => {
  await using server = await serve();
  await callOften(server.url);
  using call = await ChunkedCall.open(`${server.url}/echo`);
  await call.send("a");
  assert.equal(await call.status(), 200);
  const { done } = await sendToWaiting(server.url, call, 64);
  assert.equal((await call.rest())?.length, 64 * mebibyte + 1);
  await done;
});

Deno.test("component streams: trailers reach the guest, and the client that takes them", async () => {
  await using server = await serve();
  const { port } = new URL(server.url);
  const send = (te: string) =>
    exchange(Number(port), {
      title: "trailers",
      method: "POST",
      pieces: [
        `POST /trailers HTTP/1.1\r\nHost: a\r\n${te}Transfer-Encoding: chunked\r\n\r\n`,
        "2\r\nab\r\n",
        "0\r\nX-Trailer: \xe9\r\nContent-Length: 7\r\n\r\n",
      ],
    });
  const taken = await send("TE: trailers\r\n");
  assert.equal(taken.body, 'trailer x-trailer "\\xe9"\n');
  assert.deepEqual(taken.trailers, [["x-sum", "7"]]);
  const others = await send("");
  assert.equal(others.body, taken.body);
  assert.deepEqual(others.trailers, []);
});

Deno.test("component: requests that come together have their responses in order", async () => {
  await using server = await serve();
  using connection = await Deno.connect({ port: Number(new URL(server.url).port) });
  const bodies = ["one", "", "x".repeat(5000)];
  const requests = bodies.map((body) =>
    `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
  await connection.write(new TextEncoder().encode(requests.join("")));
  const reader = new ByteReader(connection);
  for (const body of bodies) assert.equal((await readResponse(reader, "POST")).body, body);
});

Deno.test("component streams: a client that leaves cancels the guest's request", async () => {
  const asked = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  await using upstream = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve());
      asked.resolve();
      return new Promise<Response>((resolve) => {
        void aborted.promise.then(() => resolve(new Response()));
      });
    },
  );
  await using server = await serve("-timeout=0");
  const call = await ChunkedCall.open(
    `${server.url}/pending?to=127.0.0.1:${upstream.addr.port}&path=/&method=GET`,
  );
  assert.equal(await call.status(), 200);
  assert.equal(await call.until("waiting\n"), "waiting\n");
  // A request that has not left yet would never reach the upstream.
  await asked.promise;
  call[Symbol.dispose]();
  await aborted.promise;
  await until(() => figuresOf(server.url), ({ busy }) => busy === 0);
});

Deno.test("component streams: -maxStreamBody refuses a length, and ends a stream", async () => {
  await using server = await serve("-maxStreamBody=100KiB");
  const whole = await fetch(`${server.url}/sink`, { method: "POST", body: "x".repeat(102_401) });
  assert.equal(whole.status, 413);
  assert.match(await whole.text(), /-maxStreamBody/);
  using call = await ChunkedCall.open(`${server.url}/sink`);
  for (let count = 0; count < 3; count++) await call.send("x".repeat(50_000));
  await call.end();
  assert.equal(await call.status(), 200);
  assert.match(
    await call.rest() ?? "",
    /failed Some\(ErrorCode::HttpRequestBodySize\(Some\(1\d+\)\)\)/,
  );
  const small = await fetch(`${server.url}/sink`, { method: "POST", body: "x".repeat(102_400) });
  assert.match(await small.text(), /^102400 \d+ closed\n$/);
});

Deno.test("component streams: a response that is stopped is cut, whatever its client sends", async () => {
  await using server = await serve("-timeout=500ms");
  using call = await ChunkedCall.open(`${server.url}/events`);
  assert.equal(await call.status(), 200);
  assert.equal(await call.until("\n\n"), "data: 0\n\n");
  assert.equal(await call.rest(), undefined);
  await server.stop();
  assert.match(server.stderr.text, /was stopped after/);
  assert.doesNotMatch(server.stderr.text, /request failed/);
});

Deno.test("component streams: returns a large body as it came", async () => {
  await using server = await serve();
  await echoMib(`${server.url}/echo`, 64);
});
