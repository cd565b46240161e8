import assert from "node:assert/strict";
import { TickClock } from "../../../src/http1/tick_clock.ts";
import { Upstream } from "../../../src/proxy/upstreams/upstream.ts";

Deno.test("Upstream: during a trial, requests that end do not allow a second trial", () => {
  using clock = new TickClock(1000);
  // It may be tried again immediately.
  const upstream = new Upstream("http://localhost:1", {
    clock,
    connectMs: 1000,
    firstByteMs: 0,
    rules: { maxFails: 1, failTimeoutMs: 0 },
  });
  const leaveEarly = upstream.enter();
  upstream.failed("it refused");
  assert.equal(upstream.usable, true);
  const leaveProbe = upstream.enter();
  leaveEarly();
  assert.equal(upstream.usable, false, "it is being tried");
  leaveProbe();
  assert.equal(upstream.usable, true, "no trial is under way");
  assert.equal(upstream.running, 0);
});
