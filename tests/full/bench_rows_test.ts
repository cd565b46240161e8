import assert from "node:assert/strict";
import { isCompiled } from "../../scripts/bench/contenders.ts";
import { parseCommand, run } from "../../scripts/bench/main.ts";
import { rows } from "../../scripts/bench/rows.ts";
import { table } from "../../scripts/bench/table.ts";
import { WrkLoad } from "../../scripts/bench/wrk.ts";
import { isInstalled } from "../testing/is_installed.ts";

/** Without `wrk` the load generator comes from npm, which tests do not reach. */
const hasWrk = await WrkLoad.isHere();
const hasRedis = await isInstalled("redis-server");

/** Reports whether Go compiles here; the peers of the row `proxy` are built with it. */
async function goCompiles(): Promise<boolean> {
  const source = new URL("../../scripts/bench/proxy/main.go", import.meta.url);
  try {
    return (await new Deno.Command("go", { args: ["vet", source.pathname] }).output()).success;
  } catch {
    return false;
  }
}

async function missingFor(row: string): Promise<string | undefined> {
  if (!hasWrk) return "wrk";
  if (row === "proxy" && !await goCompiles()) return "a Go that compiles";
  if (row === "start" && !isCompiled()) return "dist/capsule, which deno task compile makes,";
  if (row === "components" && !await isInstalled("wasmtime")) return "wasmtime";
  if (["store", "loading"].includes(row) && !hasRedis) return "redis-server";
}

for (const { name } of rows) {
  const missing = await missingFor(name);
  Deno.test({
    name: `bench row ${name}: runs${missing ? ` (skipped: ${missing} is missing here)` : ""}`,
    ignore: missing !== undefined,
    fn: async () => {
      const said: string[] = [];
      const { sections, failed } = await run(
        parseCommand(["--smoke", name]),
        (line) => said.push(line),
      );
      assert.deepEqual(failed, []);
      const [section] = sections;
      assert.ok(section && section.lines.length > 0, said.join("\n"));
      assert.doesNotMatch(table(sections), /ours {2}.*ERRORS/);
    },
  });
}
