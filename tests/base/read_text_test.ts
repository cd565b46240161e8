import assert from "node:assert/strict";
import { readText } from "../../src/base/read_text.ts";

Deno.test("readText: reads all of a file, also if a chunk ends within a character", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const text of ["", "é", "x".repeat(64 * 1024 - 1) + "é☹ end"]) {
      await Deno.writeTextFile(path, text);
      assert.equal(await readText(path), text);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readText: refuses a device without an end; a missing file is the system's error", async () => {
  await assert.rejects(readText("/dev/zero"), { message: "it has more than 16 MiB" });
  await assert.rejects(readText("/dev/null/x"), Deno.errors.NotADirectory);
  await assert.rejects(readText("."), Deno.errors.IsADirectory);
});
