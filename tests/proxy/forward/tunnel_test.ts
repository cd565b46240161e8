import assert from "node:assert/strict";
import { type Peer } from "../peers.ts";
import { between } from "../scene.ts";

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("tunnel: after an upgrade, each side ends on its own", () =>
  between(async ({ client, upstream }) => {
    await client.send(
      "GET /functions/f/default/chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
        "Sec-WebSocket-Key: k\r\n\r\nearly",
    );
    const peer = await upstream.accept();
    const head = await peer.until("\r\n\r\n");
    assert.match(head, /^GET \/chat /);
    assert.match(
      head,
      /\r\nSec-WebSocket-Key: k\r\n[^]*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/,
    );
    await peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n\x81\0",
    );
    assert.match(
      await client.until("\r\n\r\n"),
      /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/,
    );
    assert.equal(await client.exactly(2), "\x81\0");
    assert.equal(await peer.exactly(5), "early");
    await client.send("\xff\0");
    assert.equal(await peer.exactly(2), "\xff\0");
    await client.closeWrite();
    assert.equal(await peer.toEnd(), "");
    await peer.send("bye");
    peer.close();
    assert.equal(await client.toEnd(), "bye");
  }));

Deno.test("relayResponse: a refused upgrade is an ordinary response", () =>
  between(async ({ client, upstream }) => {
    await client.send(
      "GET /functions/f HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send(ok);
    assert.match(await client.message(), /^HTTP\/1\.1 200 [^]*ok$/);
    await client.send(get);
    await peer.until("\r\n\r\n");
  }));

Deno.test("tunnel: forwards megabytes both ways concurrently, and single bytes between", () =>
  between(async ({ client, upstream }) => {
    const upgrade = "Upgrade: x\r\nConnection: Upgrade\r\n\r\n";
    await client.send(`GET /functions/f HTTP/1.1\r\nHost: x\r\n${upgrade}`);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}`);
    await client.until("\r\n\r\n");
    const pass = async (from: Peer, to: Peer, mark: string) => {
      const pieces = Array.from(
        { length: 60 },
        (_, at) => `${mark}${at};`.repeat(1 + at * at * at % 50_000),
      );
      const sent = (async () => {
        for (const piece of pieces) {
          await from.send(piece);
          await from.send(mark);
        }
      })();
      const whole = pieces.map((piece) => piece + mark).join("");
      const arrived = await to.exactly(whole.length);
      await sent;
      assert.ok(arrived === whole);
    };
    await Promise.all([pass(client, peer, "u"), pass(peer, client, "d")]);
    await pass(client, peer, "x");
  }));
