/**
 * Writes to an embedded store: `sqlite_child.ts <folder> <name> <writes>`. Each time it increments
 * `counter` and sets a key of its own, and prints a line for each acknowledged write.
 */
import { EmbeddedStore } from "../../src/store/sqlite.ts";
import { patient, utf8 } from "./key_value_contract.ts";

const [folder = "", name = "", writes = ""] = Deno.args;
const store = new EmbeddedStore({ kind: "embedded", folder });
const print = (line: string) => Deno.stdout.writeSync(utf8(line + "\n"));
print("ready");
for (let turn = 0; turn < Number(writes); turn++) {
  await store.increment(utf8("counter"), 1n, patient);
  const key = `${name} ${turn}`;
  await store.set(utf8(key), utf8(`${key} ${"x".repeat(turn % 3000)}`), patient);
  print(key);
}
await store.close();
