import assert from "node:assert/strict";
import { Ports } from "../../../src/worker/run/ports.ts";

/** A loopback address that no other test listens on. */
const host = "127.0.0.2";
/** Three ports are above it. */
const counter = 65532;
const refused = { code: "PORT_TAKEN", message: /every port from 65533 to 65535 is taken/ };

Deno.test("Ports: allocates round robin, a released port last", () => {
  const ports = new Ports(counter, host);
  const first = ports.take();
  const second = ports.take();
  assert.ok(first > counter && second > first);
  ports.release(first);
  const third = ports.take();
  assert.notEqual(third, first);
  assert.equal(ports.take(), first);
  assert.throws(() => ports.take(), refused);
  ports.release(second);
  assert.equal(ports.take(), second);
});

Deno.test("Ports: skips a port that is in use or still routed", () => {
  const believed = new Set<number>();
  const ports = new Ports(counter, host, (port) => believed.has(port));
  const first = ports.take();
  ports.release(first);
  believed.add(first);
  {
    using other = Deno.listen({ hostname: host, port: first === 65535 ? 65534 : first + 1 });
    const left = [65533, 65534, 65535].filter((port) => port !== first && port !== other.addr.port);
    assert.deepEqual([ports.take()], left);
    assert.throws(() => ports.take(), refused);
  }
  believed.clear();
  assert.ok(ports.take() > counter);
});

Deno.test("Ports: counter 0 lets the system choose", () => {
  const ports = new Ports(0, host);
  assert.deepEqual([ports.take(), ports.take()], [0, 0]);
  ports.release(0);
});
