import assert from "node:assert/strict";
import { Peer, RawServer } from "./peers.ts";
import { startProxy } from "./start_proxy.ts";

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("a client that ends its side and reads late never gets what another client was sent", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  const mebibyte = (letter: string) => new Uint8Array(1024 * 1024).fill(letter.charCodeAt(0));
  using slow = await Peer.connect(proxy.port);
  await slow.send(get);
  const first = await upstream.accept();
  await first.until("\r\n\r\n");
  await first.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
  const { count, sent } = await first.sendUntilStuck(mebibyte("A"), 64);
  assert.ok(count < 64);
  // The proxy's write to the client stands still, from a buffer that others use after it.
  await slow.closeWrite();
  await sent;

  using other = await Peer.connect(proxy.port);
  await other.send(get);
  const second = await upstream.accept();
  await second.until("\r\n\r\n");
  await second.send(`HTTP/1.1 200 OK\r\nContent-Length: ${1024 * 1024}\r\n\r\n`);
  await second.send(mebibyte("B"));
  await other.until("\r\n\r\n");
  await other.count(1024 * 1024);

  const heard = await slow.toEnd();
  assert.match(heard.slice(heard.indexOf("\r\n\r\n") + 4), /^A+$/);
});
