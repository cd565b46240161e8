import assert from "node:assert/strict";
import { BodyReader } from "../../../src/proxy/http1/body_reader.ts";
import { TickClock } from "../../../src/proxy/http1/tick_clock.ts";
import { type Socket, Wire } from "../../../src/proxy/http1/wire.ts";

// Linux tells of a reset to the read or to the write, whichever asks first, and the other one then finds an orderly end. On real sockets
// nobody can say which of them it will be.
Deno.test("a reset that the write hears of is no end of a body, which a broken pipe after the end is", async () => {
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
