import assert from "node:assert/strict";
import { BodyReader } from "../../src/http1/body_reader.ts";
import { TickClock } from "../../src/http1/tick_clock.ts";
import { type Socket, Wire } from "../../src/http1/wire.ts";

// Linux reports a reset once, to the read or to the write, and the other one sees an orderly end.
// On real sockets either may get it.
Deno.test("Wire: a reset reported to a write does not end a body; a broken pipe after its end does", async () => {
  using clock = new TickClock(1000);
  for (
    const [error, isWhole] of [
      [new Deno.errors.ConnectionReset(), false],
      [new Deno.errors.BrokenPipe(), true],
    ] as const
  ) {
    const socket: Socket = {
      read: () => Promise.resolve(null),
      write: () => Promise.reject(error),
      close: () => {},
    };
    const wire = new Wire(socket, clock);
    const body = new BodyReader(wire, { kind: "until-close" });
    await assert.rejects(wire.write(new Uint8Array(1), 0), error);
    assert.equal(await wire.fill(), false);
    assert.equal(body.endsHere(), isWhole);
    wire.close();
  }
});
