import assert from "node:assert/strict";
import { EmbeddedStore } from "../../src/store/sqlite.ts";
import { patient, textOf, utf8 } from "../store/key_value_contract.ts";

Deno.test("embedded store: three processes write 60,000 times and lose nothing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const store = new EmbeddedStore({ kind: "embedded", folder });
  try {
    const writes = 10_000;
    const script = new URL("../store/sqlite_child.ts", import.meta.url).pathname;
    const children = ["a", "b"].map((name) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, folder, name, `${writes}`],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn().output()
    );
    const heldMs: number[] = [];
    for (let turn = 0; turn < writes; turn++) {
      // Measures how long a call blocks the thread, not how long it waits.
      let began = performance.now();
      const counted = store.increment(utf8("counter"), 1n, patient);
      heldMs.push(performance.now() - began);
      await counted;
      began = performance.now();
      const put = store.set(utf8(`c ${turn}`), utf8("v"), patient);
      heldMs.push(performance.now() - began);
      await put;
    }
    for (const { code, stderr } of await Promise.all(children)) {
      assert.equal(code, 0, new TextDecoder().decode(stderr));
    }
    assert.equal(textOf(await store.get(utf8("counter"), patient)), `${3 * writes}`);
    assert.equal((await store.keys(utf8("? *"), patient)).length, 3 * writes);
    heldMs.sort((one, two) => one - two);
    const longest = heldMs.at(-1) ?? 0;
    console.log(
      `held the thread: median ${heldMs[writes]?.toFixed(3)} ms, longest ${longest.toFixed(1)} ms`,
    );
  } finally {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});
