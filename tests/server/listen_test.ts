import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { urlHost } from "../../src/base/hosts.ts";
import { type Handler, listen } from "../../src/server/listen.ts";
import { connect, untilRefused } from "./raw_connection.ts";

const host = "127.0.0.1";
const onError = () => new Response("bug", { status: 500 });
const start = (handler: Handler) => listen({ handler, host, port: 0, onError });
const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async function refusal(promise: Promise<unknown>): Promise<CapsuleError> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof CapsuleError, `not refused, or by another error: ${error}`);
  assert.ok(!error.message.includes("\n"), "one line");
  return error;
}

Deno.test("listen: port 0 takes a free port, which the URL names", async () => {
  const server = await start(() => new Response("hey"));
  assert.equal(server.url, `http://127.0.0.1:${server.port}`);
  assert.equal(await (await fetch(server.url)).text(), "hey");
  await server.stop(0);
});

Deno.test("listen: names the address of a port in use", async () => {
  const server = await start(() => new Response());
  const again = { handler: () => new Response(), host, port: server.port, onError };
  const { code, message } = await refusal(listen(again));
  assert.equal(code, "LISTEN");
  assert.match(message, new RegExp(`127.0.0.1:${server.port}: another program listens there`));
  await refusal(listen({ ...again, reusePort: "first" }));
  await server.stop(0);
});

Deno.test({
  name: "listen: threads share a port, another program is refused",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const options = { handler: () => new Response("hey"), host, onError };
    const first = await listen({ ...options, port: 0, reusePort: "first" });
    const second = await listen({ ...options, port: first.port, reusePort: "join" });
    await refusal(listen({ ...options, port: first.port, reusePort: "first" }));
    await first.stop(0);
    assert.equal(await (await fetch(second.url)).text(), "hey");
    await second.stop(0);
  },
});

Deno.test("listen: refuses a foreign address, an unknown host and a bad port", async () => {
  const options = { handler: () => new Response(), port: 0, onError };
  assert.match(
    (await refusal(listen({ ...options, host: "192.0.2.1" }))).message,
    /192\.0\.2\.1:0: this machine has no such/,
  );
  assert.match((await refusal(listen({ ...options, host: "" }))).message, /no such host/);
  assert.match(
    (await refusal(listen({ ...options, host, port: 70000 }))).message,
    /0 to 65535, got 70000/,
  );
});

Deno.test("urlHost: puts an IPv6 address in brackets", () => {
  assert.equal(urlHost("::1"), "[::1]");
  assert.equal(urlHost("[::1]"), "[::1]");
  assert.equal(urlHost("localhost"), "localhost");
});

Deno.test("listen: responds with onError to a handler that throws", async () => {
  let calls = 0;
  const server = await start(() => {
    calls += 1;
    if (calls === 1) throw new Error("boom");
    return new Response("fine");
  });
  const bad = await fetch(server.url);
  assert.deepEqual([bad.status, await bad.text()], [500, "bug"]);
  assert.equal(await (await fetch(server.url)).text(), "fine");
  await server.stop(0);
});

Deno.test("stop: closes idle connections and lets running requests finish", async () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const server = await start(async ({ url }) => {
    if (!url.endsWith("/slow")) return new Response("quick");
    arrived.resolve();
    await release.promise;
    return new Response("done");
  });
  using idle = await connect(server.port);
  await idle.send(get);
  assert.equal((await idle.answer())?.body, "quick");
  using busy = await connect(server.port);
  await busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  await arrived.promise;

  const stopped = server.stop(60_000);
  assert.ok(await idle.closed());
  await untilRefused(server.port);
  release.resolve();
  assert.equal((await busy.answer())?.body, "done");
  await stopped;
  await server.finished;
});

Deno.test("stop: waits for the grace period, or until it is called again with 0", async () => {
  for (const graces of [[20], [60_000, 0]]) {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const server = await start(async () => {
      arrived.resolve();
      await release.promise;
      return new Response("late");
    });
    using stuck = await connect(server.port);
    await stuck.send(get);
    await arrived.promise;
    await Promise.all(graces.map((grace) => server.stop(grace)));
    release.resolve();
    assert.equal((await stuck.answer())?.body, "late");
    await server.finished;
  }
});

Deno.test("stop: cuts a running request without a grace period", async () => {
  const arrived = Promise.withResolvers<void>();
  const server = await start(() => {
    arrived.resolve();
    return new Promise(() => {});
  });
  using stuck = await connect(server.port);
  await stuck.send(get);
  await arrived.promise;
  await server.stop(0);
  assert.equal(await stuck.answer(), undefined);
});

Deno.test("listen: speaks HTTPS, and names a bad certificate or key", async () => {
  const data = new URL("../testdata/tls/", import.meta.url).pathname;
  const [crt, key, otherKey] = [`${data}localhost.crt`, `${data}localhost.key`, `${data}other.key`];
  const tls = (crt: string, key: string) =>
    listen({
      handler: () => new Response("secret"),
      host: "localhost",
      port: 0,
      tls: { crt, key },
      onError,
    });
  const server = await tls(crt, key);
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(crt)] });
  assert.match(server.url, /^https:\/\/localhost:\d+$/);
  assert.equal(
    await (await fetch(`https://127.0.0.1:${server.port}`, { client })).text(),
    "secret",
  );
  client.close();
  await server.stop(0);

  const rows: [string, string, RegExp][] = [
    [`${data}none.crt`, key, /cannot read -crt=.*none\.crt: no such file/],
    [crt, data, /cannot read -key=.*: it is a directory/],
    [crt, otherKey, /localhost\.crt with -key=.*other\.key: the key is not the certificate's/],
    [key, key, /the first holds no PEM certificate/],
    [crt, crt, /the second holds no PEM private key/],
    ["/dev/null", key, /the first holds no PEM certificate/],
  ];
  for (const [badCrt, badKey, message] of rows) {
    const error = await refusal(tls(badCrt, badKey));
    assert.equal(error.code, "TLS");
    assert.match(error.message, message);
  }
});
