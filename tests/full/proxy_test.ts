import assert from "node:assert/strict";
import { Peer, RawServer } from "../proxy/peers.ts";
import { startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const ignore = Deno.env.get("CAPSULE_TEST_FULL") === undefined || Deno.build.os !== "linux";
const residentMib = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]) / 1024;

async function behindProxy(
  run: (upstream: RawServer, port: number, pid: number) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    using upstream = new RawServer();
    await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: ${upstream.url}\n`);
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      `-config=${folder}/config.yaml`,
    ]);
    await run(upstream, Number(new URL(proxy.url).port), proxy.pid);
  });
}

Deno.test({
  name: "proxy: forwards 1 GB each way in little memory",
  ignore,
  fn: () =>
    behindProxy(async (upstream, port, pid) => {
      const size = 1_000_000_000;
      const piece = new Uint8Array(1_000_000);
      using client = await Peer.connect(port);
      await client.send(`POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      const before = residentMib(pid);
      let most = 0;
      const transfer = async (from: Peer, to: Peer) => {
        const sending = (async () => {
          for (let sent = 0; sent < size; sent += piece.length) {
            await from.send(piece);
            most = Math.max(most, residentMib(pid));
          }
        })();
        assert.equal(await to.count(size), size);
        await sending;
      };
      await transfer(client, peer);
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      await client.until("\r\n\r\n");
      await transfer(peer, client);
      assert.ok(most - before < 100, `from ${before} to ${most} MiB`);
    }),
});

Deno.test({
  name: "proxy: holds 10,000 idle connections and serves requests beside them",
  ignore,
  fn: () =>
    behindProxy(async (upstream, port) => {
      upstream.serve(() => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      const idle: Peer[] = [];
      try {
        const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";
        for (let i = 0; i < 10_000; i++) idle.push(await Peer.connect(port));
        for (const index of [0, 5000, 9999]) {
          await idle[index]?.send(get);
          assert.match(await idle[index]?.message() ?? "", /^HTTP\/1\.1 200 /);
        }
      } finally {
        for (const each of idle) each.close();
      }
    }),
});

Deno.test({
  name: "proxy: memory is constant over 1,000,000 requests",
  ignore,
  fn: () =>
    behindProxy(async (upstream, port, pid) => {
      upstream.serve(() => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      // Batches of sixteen, since the test and the proxy share the machine.
      const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";
      const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\nok";
      const ask = async (count: number) => {
        await Promise.all(Array.from({ length: 32 }, async () => {
          using client = await Peer.connect(port);
          for (let left = count / 32; left > 0; left -= 16) {
            await client.send(get.repeat(16));
            assert.equal(await client.exactly(answer.length * 16), answer.repeat(16));
          }
        }));
      };
      await ask(256_000);
      const before = residentMib(pid);
      await ask(1_024_000);
      const after = residentMib(pid);
      assert.ok(after < before * 1.25 + 10, `from ${before} to ${after} MiB`);
    }),
});
