import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { compileWat, moduleOf, section } from "../prepare/modules.ts";

/** A program with `atomic.fence` in a function that is never called, and an endless `_start`. */
const fence = compileWat(`(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (func (atomic.fence))
  (func (export "_start") (loop $l (br $l))))`);

/** The same with a structure in the dead function, in an encoding that wabt cannot write. */
const structure = moduleOf(
  section(1, 3, 0x60, 0, 0, 0x5f, 1, 0x7f, 1, 0x60, 1, 0x7f, 0),
  section(3, 2, 0, 0),
  section(5, 1, 0, 1),
  section(
    7,
    ...[2, 6, ...new TextEncoder().encode("memory"), 2, 0],
    ...[6, ...new TextEncoder().encode("_start"), 0, 1],
  ),
  section(
    10,
    ...[2, 6, 0, 0xfb, 1, 1, 0x1a, 0x0b], // (drop (struct.new_default 1))
    ...[7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b], // (loop (br 0))
  ),
);

for (const [what, module] of [["an atomic fence", fence], ["a structure", structure]] as const) {
  Deno.test(`timeout: stops a program with ${what} in dead code with exit code 124`, () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/guest.wasm`, module);
      const { code, stderr } = await runCapsule([
        "-mode=cli",
        "-timeout=300ms",
        `-wasm=${folder}/guest.wasm`,
      ]);
      assert.equal(code, 124);
      assert.match(stderr, /'-timeout' allows/);
    }));

  Deno.test(`timeout: a server of a program with ${what} responds 504, and SIGTERM ends it`, () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/guest.wasm`, module);
      await using server = await startCapsule([
        "-mode=http",
        "-timeout=300ms",
        `-wasm=${folder}/guest.wasm`,
      ]);
      const computing = fetch(server.url);
      const health = await fetch(`${server.url}/health`);
      assert.equal(await health.text(), "OK");
      for (const response of [await computing, await fetch(server.url)]) {
        assert.equal(response.status, 504);
        await response.body?.cancel();
      }
      assert.equal((await server.stop()).code, 0);
    }));
}

Deno.test("timeout: stops a program whose start section does not end with exit code 124", () =>
  inFolder(async (folder) => {
    const endless = compileWat(`(module
      (memory (export "memory") 1)
      (func $endless (loop $l (br $l)))
      (start $endless)
      (func (export "_start")))`);
    await Deno.writeFile(`${folder}/guest.wasm`, endless);
    const { code } = await runCapsule([
      "-mode=cli",
      "-timeout=300ms",
      `-wasm=${folder}/guest.wasm`,
    ]);
    assert.equal(code, 124);
  }));
