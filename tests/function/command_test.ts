import assert from "node:assert/strict";
import { TimeoutError } from "../../src/wasm/limit_errors.ts";
import { serveProgram } from "../testing/program.ts";

Deno.test("Command: stops a program whose time is spent in slow host calls", async () => {
  await using program = await serveProgram("until-closed", ["-timeout=1ms"]);
  let calls = 0;
  const run = program.command.run({
    streams: () => ({
      stdin: { kind: "empty" },
      stdout() {
        calls++;
        const began = performance.now();
        while (performance.now() < began + 5);
      },
      stderr: () => {},
    }),
  });
  await assert.rejects(run, TimeoutError);
  assert.ok(calls <= 20, `${calls} calls`);
});
