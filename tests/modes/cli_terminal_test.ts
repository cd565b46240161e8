import assert from "node:assert/strict";
import { createLog } from "../../src/base/log.ts";
import { parse } from "../../src/cli/parse.ts";
import { runCli } from "../../src/modes/cli.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import { memoryIo, MemoryOutput } from "../testing/memory_io.ts";

const hello = new URL("../../examples/hello-cli/hello.wasm", import.meta.url).pathname;

class Terminal extends MemoryOutput {
  override isTerminal(): boolean {
    return true;
  }
}

Deno.test("cli: control characters of a function are escaped on a terminal only", async () => {
  for (const stdout of [new MemoryOutput(), new Terminal()]) {
    const io = { ...memoryIo(), stdout };
    const command = parse(["-mode=cli", `-wasm=${hello}`, "\x1b[2J👋"], io.env);
    assert.ok(command.kind === "mode");
    const code = await runCli(command.options as ModeOptions<"cli">, {
      io,
      log: createLog("text", io),
    });
    assert.equal(code, 0);
    const shown = stdout.isTerminal() ? "\\x1b[2J👋" : "\x1b[2J👋";
    assert.equal(stdout.text, `- parameter is: ${shown}\nThe first parameter is: ${shown}\n`);
  }
});
