import assert from "node:assert/strict";
import { parseCommand } from "../../../scripts/bench/main.ts";
import { rows } from "../../../scripts/bench/rows.ts";

Deno.test("parseCommand: reads rows, a length, and other launchers after --", () => {
  const command = parseCommand([
    "--quick",
    "memory",
    "cli",
    "--",
    "old=./capsule",
    "new=./c --wasm={wasm}",
  ]);
  assert.equal(command.length.name, "quick");
  assert.deepEqual(command.names, ["memory", "cli"]);
  assert.deepEqual(command.others, [
    { name: "old", words: ["./capsule"] },
    { name: "new", words: ["./c", "--wasm={wasm}"] },
  ]);
});

Deno.test("parseCommand: BENCH_SECONDS sets the duration of one measurement", () => {
  assert.equal(parseCommand([], "0.25").length.seconds, 0.25);
  assert.equal(parseCommand([]).length.name, "full");
  assert.throws(() => parseCommand([], "soon"), /BENCH_SECONDS is a number above 0: got "soon"/);
});

Deno.test("parseCommand: refuses an unknown word and lists the rows", () => {
  assert.throws(
    () => parseCommand(["thruput"]),
    /"thruput" is not a row: the rows are throughput, latency, /,
  );
  assert.throws(
    () => parseCommand(["--", "capsule"]),
    /another launcher is named name=binary: got "capsule"/,
  );
});

Deno.test("parseCommand: --write is accepted on both sides of --, with and without rows", () => {
  assert.equal(parseCommand(["--", "--write"]).write, true);
  assert.equal(parseCommand(["--write", "--quick"]).write, true);
  assert.equal(parseCommand([]).write, false);
  const { names, write } = parseCommand(["memory", "--write"]);
  assert.deepEqual({ names, write }, { names: ["memory"], write: true });
});

Deno.test("rows: each file in rows/ is a row of the benchmark", () => {
  const files = [...Deno.readDirSync(new URL("../../../scripts/bench/rows", import.meta.url))];
  assert.deepEqual(
    rows.map(({ name }) => `${name.replaceAll("-", "_")}.ts`).sort(),
    files.map(({ name }) => name).sort(),
  );
});
