import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Peer, RawServer } from "../peers.ts";
import { startProxy, type TestProxy } from "../start_proxy.ts";
import type { ProxyTimeouts } from "../../../src/proxy/timeouts.ts";

const [cert, key] = ["crt", "key"].map((suffix) =>
  Deno.readTextFileSync(
    fileURLToPath(new URL(`../../testdata/tls/localhost.${suffix}`, import.meta.url)),
  )
);

async function behindTls(
  scene: (proxy: TestProxy, upstream: RawServer) => Promise<void>,
  timeouts: Partial<ProxyTimeouts> = {},
): Promise<void> {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } }, {
    tls: { cert: cert ?? "", key: key ?? "" },
    timeouts,
  });
  await scene(proxy, upstream);
}

async function connect(proxy: TestProxy): Promise<Peer> {
  const connection = await Deno.connectTls({
    hostname: "localhost",
    port: proxy.port,
    caCerts: [cert ?? ""],
  });
  await connection.handshake();
  return new Peer(connection);
}

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("TlsSocket: a client that does not complete its handshake is cut after headMs", async (test) => {
  for (
    const [what, bytes] of [["nothing", ""], [
      "half a hello",
      "\x16\x03\x01\x00\xc8\x01\x00",
    ]] as const
  ) {
    await test.step(what, () =>
      behindTls(async (proxy) => {
        using client = await Peer.connect(proxy.port);
        await client.send(bytes);
        assert.equal(await client.toEnd(), "");
      }, { headMs: 100 }));
  }
  await test.step("plain HTTP", () =>
    behindTls(async (proxy) => {
      using client = await Peer.connect(proxy.port);
      await client.send(get);
      assert.doesNotMatch(await client.toEnd(), /HTTP/);
    }));
  await test.step("a client that is connected when the proxy stops", () =>
    behindTls(async (proxy) => {
      using client = await Peer.connect(proxy.port);
      // In order: when the second is served, the first was accepted.
      using second = await connect(proxy);
      await proxy.server.stop(0);
      assert.equal(await client.toEnd(), "");
      assert.equal(await second.toEnd(), "");
    }));
});

Deno.test("TlsSocket: a client that reads nothing is cut, and so is the upstream", () =>
  behindTls(async (proxy, upstream) => {
    using client = await connect(proxy);
    await client.send(get);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const { sent } = await peer.sendUntilStuck(new Uint8Array(1024 * 1024), 64);
    await sent;
    // Its connection is closed: bytes that it sends now get a reset.
    await assert.rejects(async () => {
      for (;;) await client.send("x");
    });
  }, { idleMs: 500 }));

Deno.test("TlsSocket: large bodies pass both ways, and the connection is reused", () =>
  behindTls(async (proxy, upstream) => {
    const size = 8 * 1024 * 1024;
    const piece = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
    using client = await connect(proxy);
    for (let round = 0; round < 2; round++) {
      await client.send(`POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
      const peer = await upstream.accept();
      assert.match(await peer.until("\r\n\r\n"), /\r\nX-Forwarded-Proto: https\r\n/);
      const up = peer.count(size);
      for (let i = 0; i < 8; i++) await client.send(piece);
      assert.equal(await up, size);
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
      await client.until("\r\n\r\n");
      const down = client.count(size);
      for (let i = 0; i < 8; i++) await peer.send(piece);
      assert.equal(await down, size);
    }
  }));

Deno.test("TlsSocket: a client that leaves cuts its request", () =>
  behindTls(async (proxy, upstream) => {
    const client = await connect(proxy);
    await client.send(get);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    client.close();
    assert.equal(await peer.toEnd(), "");
    // It was cut without waiting for a timeout.
    const [only] = proxy.server.routing.upstreams;
    assert.equal(only?.health.fails, 0);
  }, { firstByteMs: 2000 }));

Deno.test("TlsSocket: a client that resets its connection does not affect others", () =>
  behindTls(async (proxy, upstream) => {
    using steady = await connect(proxy);
    const whole = async () => {
      await steady.send(get);
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
      assert.match(await steady.message(), /ok$/);
    };
    // A process that is killed with bytes unread resets its connection.
    const killed = async (script: string, scene: () => Promise<void>) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", script, String(proxy.port), cert ?? ""],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      await scene();
      child.kill("SIGKILL");
      await child.status;
      while (!(await reader.read()).done);
      await whole();
    };
    const open = `const [port, cert] = Deno.args;
      const c = await Deno.connectTls({ hostname: "localhost", port: Number(port), caCerts: [cert] });
      await c.handshake();
      const say = (text) => c.write(new TextEncoder().encode(text));
      setTimeout(() => {}, 600_000);`;
    await killed(`${open} console.log("idle");`, () => Promise.resolve());
    await killed(`${open} await say(${JSON.stringify(get)}); console.log("reading");`, async () => {
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      await peer.sendUntilStuck(new Uint8Array(1024 * 1024), 64);
    });
    const sending = "POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    await killed(
      `${open} await say(${
        JSON.stringify(sending)
      }); console.log("sending"); for (;;) await c.write(new Uint8Array(65536));`,
      async () => {
        const peer = await upstream.accept();
        await peer.until("\r\n\r\n");
        await peer.count(1_000_000);
      },
    );
    // Before its first byte of TLS.
    (await Peer.connect(proxy.port)).close();
    await whole();
  }));
