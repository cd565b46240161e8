import assert from "node:assert/strict";
import { startProxy } from "../proxy/start_proxy.ts";

Deno.test("proxy: forwards a WebSocket, text and a megabyte, closed by either side", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "chat" });
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (data === "end") socket.close(4000, "as asked");
      else socket.send(data);
    };
    return response;
  });
  await using proxy = startProxy({ chat: { default: [`http://127.0.0.1:${server.addr.port}`] } });
  const socket = new WebSocket(
    `ws://127.0.0.1:${proxy.port}/functions/chat/default/room?q=1`,
    "chat",
  );
  socket.binaryType = "arraybuffer";
  const next = <Name extends keyof WebSocketEventMap>(name: Name) =>
    new Promise<WebSocketEventMap[Name]>((resolve) => {
      socket.addEventListener(name, resolve, { once: true });
    });
  await next("open");
  assert.equal(socket.protocol, "chat");
  socket.send("👋");
  assert.equal((await next("message")).data, "👋");
  const bytes = new Uint8Array(1024 * 1024).map((_, index) => index % 253);
  socket.send(bytes);
  const echoed: unknown = (await next("message")).data;
  assert.ok(echoed instanceof ArrayBuffer);
  assert.deepEqual(new Uint8Array(echoed), bytes);
  const closed = next("close");
  socket.send("end");
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4000, "as asked"]);
  await server.shutdown();
});
