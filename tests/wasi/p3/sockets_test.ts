import assert from "node:assert/strict";
import { Scheduler } from "../../../src/component/async/scheduler.ts";
import type { HostPromise } from "../../../src/component/instance/host.ts";
import type { P2State } from "../../../src/wasi/p2/state.ts";
import { socketInterfaces } from "../../../src/wasi/p3/sockets/sockets.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { everything, ipv4 } from "../p2/sockets/guest_sockets.ts";

Deno.test("udp socket of WASI 0.3: a cancelled receive leaves nothing behind", async () => {
  const pending = new Set<() => void>();
  const state: Pick<P2State, "pending" | "beforeSideEffect"> = {
    pending,
    beforeSideEffect: () => {},
  };
  const types = socketInterfaces(everything)["wasi:sockets/types"]?.({
    state: state as P2State,
    preopens: [],
    tasks: new Scheduler(quietGuest()),
  });
  const call = (name: string, ...args: unknown[]) =>
    (types?.functions[name] as (...args: unknown[]) => unknown)(...args);
  const { value: socket } = call("[static]udp-socket.create", "ipv4") as { value: unknown };
  const method = (name: string, ...args: unknown[]) =>
    call(`[method]udp-socket.${name}`, socket, ...args);
  method("bind", ipv4(0));
  const { value: address } = method("get-local-address") as { value: unknown };
  const before = pending.size;
  const cancelled = method("receive") as HostPromise;
  assert.equal(pending.size, before + 1);
  cancelled.cancel?.();
  assert.equal(pending.size, before);

  const received = method("receive");
  const data = Uint8Array.of(1, 2, 3);
  await method("send", data, address);
  assert.deepEqual(await received, { tag: "ok", value: [data, address] });
  assert.equal(pending.size, before);
  for (const cancel of pending) cancel();
});
