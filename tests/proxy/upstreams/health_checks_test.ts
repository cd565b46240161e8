import assert from "node:assert/strict";
import { HealthChecks } from "../../../src/proxy/upstreams/health_checks.ts";
import { RawServer } from "../peers.ts";
import { startProxy } from "../start_proxy.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";

Deno.test("HealthChecks: an upstream that fails, is late or refuses is unusable until it passes", async () => {
  using well = new RawServer();
  using ill = new RawServer();
  using hung = new RawServer();
  let status = "503 Service Unavailable";
  const asked: string[] = [];
  well.serve(() => ok + "ok");
  ill.serve((head) => {
    asked.push(head.slice(0, head.indexOf("\r\n")));
    return `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`;
  });
  await using proxy = startProxy({ f: { default: [well.url, `${ill.url}/base`, hung.url] } });
  const { routing } = proxy.server;
  const usable = () => Array.from(routing.upstreams, (each) => each.usable);
  await using checks = new HealthChecks({
    path: "/health",
    intervalMs: 3_600_000,
    timeoutMs: 200,
    upstreams: () => routing.upstreams,
  });
  assert.deepEqual(usable(), [true, true, true]);
  await checks.check();
  assert.deepEqual(usable(), [true, false, false]);
  for (let i = 0; i < 6; i++) {
    assert.equal(await (await fetch(`${proxy.url}/functions/f`)).text(), "ok");
  }
  status = "204 No Content";
  await checks.check();
  assert.deepEqual(usable(), [true, true, false]);
  assert.equal(asked[0], "GET /base/health HTTP/1.1");
});
