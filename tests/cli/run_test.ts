import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { CapsuleError } from "../../src/base/errors.ts";
import { run } from "../../src/cli/run.ts";
import { usage } from "../../src/cli/usage.ts";
import { memoryIo } from "../testing/memory_io.ts";

Deno.test("run: -version prints one line to standard output", async () => {
  const io = memoryIo({ args: ["-version"] });
  assert.equal(await run(io), 0);
  const { deno, v8 } = Deno.version;
  assert.equal(
    io.stdout.text,
    `capsule ${config.version} (from sources, deno ${deno}, v8 ${v8}, ${Deno.build.target})\n`,
  );
  assert.equal(io.stderr.text, "");
});

Deno.test("run: -help prints the usage to standard output", async () => {
  const io = memoryIo({ args: ["-help", "-mode=http"] });
  assert.equal(await run(io), 0);
  assert.equal(io.stdout.text, usage("http"));
});

Deno.test("run: an invalid command line is one line on stderr, exit code 2", async () => {
  const io = memoryIo({ args: ["-mode=htp"] });
  assert.equal(await run(io), 2);
  assert.match(io.stderr.text, /^capsule: -mode must be one of .*did you mean "http"\?\)\n$/);
  assert.equal(io.stdout.text, "");
});

/** Returns an `Io` whose standard output throws an error. */
function failing(error: unknown) {
  const fail = () => {
    throw error;
  };
  return {
    ...memoryIo({ args: ["-version"] }),
    stdout: { isTerminal: () => false, write: fail, writeSome: fail },
  };
}

Deno.test("run: a CapsuleError is one line on stderr, exit code 1", async () => {
  const io = failing(new CapsuleError("FULL", "cannot write the version: the disk is full"));
  assert.equal(await run(io), 1);
  assert.equal(io.stderr.text, "capsule: cannot write the version: the disk is full\n");
});

Deno.test("run: any other error is a bug: its stack on stderr, exit code 70", async () => {
  const io = failing(new TypeError("x is not a function"));
  assert.equal(await run(io), 70);
  assert.match(
    io.stderr.text,
    /^capsule: this is a bug in capsule: TypeError: x is not a function\n {4}at .*run_test/,
  );
  const odd = failing(undefined);
  assert.equal(await run(odd), 70);
  assert.equal(odd.stderr.text, "capsule: this is a bug in capsule: undefined\n");
});
