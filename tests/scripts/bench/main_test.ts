import { deepStrictEqual, equal, throws } from "node:assert/strict";
import { parseCommand, run } from "../../../scripts/bench/main.ts";
import { rows } from "../../../scripts/bench/rows.ts";
import { hello } from "../../../scripts/bench/rows/throughput.ts";
import { WrkLoad } from "../../../scripts/bench/wrk.ts";
import { isCompiled } from "../../../scripts/bench/contenders.ts";
import { isInstalled } from "../../testing/is_installed.ts";

Deno.test("the command line names rows, a length, and other launchers after --", () => {
  const command = parseCommand([
    "--quick",
    "memory",
    "cli",
    "--",
    "old=./capsule",
    "new=./c --wasm={wasm}",
  ]);
  equal(command.length.name, "quick");
  deepStrictEqual(command.names, ["memory", "cli"]);
  deepStrictEqual(command.others, [
    { name: "old", words: ["./capsule"] },
    { name: "new", words: ["./c", "--wasm={wasm}"] },
  ]);
});

Deno.test("BENCH_SECONDS is how long one measurement lasts", () => {
  equal(parseCommand([], "0.25").length.seconds, 0.25);
  equal(parseCommand([]).length.name, "full");
  throws(() => parseCommand([], "soon"), /BENCH_SECONDS is a number above 0: got "soon"/);
});

Deno.test("a word that is no row is refused with the names of those that there are", () => {
  throws(() => parseCommand(["thruput"]), /"thruput" is no row: there are throughput, latency, /);
  throws(
    () => parseCommand(["--", "capsule"]),
    /another launcher is named name=binary: got "capsule"/,
  );
});

Deno.test("the body of a POST is the 31 bytes of the issue", () => {
  equal(new TextEncoder().encode(hello.body).length, 31);
});

Deno.test("each file in rows/ is a row of the benchmark", () => {
  const files = [...Deno.readDirSync(new URL("../../../scripts/bench/rows", import.meta.url))];
  deepStrictEqual(
    rows.map(({ name }) => `${name.replaceAll("-", "_")}.ts`).sort(),
    files.map(({ name }) => name).sort(),
  );
});

const withoutWrk = !await WrkLoad.isHere(); // what stands in for it comes from npm, which tests do not ask

/** Whether Go compiles here, which the proxy's row needs for what it is compared with. */
async function goCompiles(): Promise<boolean> {
  const source = new URL("../../../scripts/bench/proxy/main.go", import.meta.url);
  try {
    return (await new Deno.Command("go", { args: ["vet", source.pathname] }).output()).success;
  } catch {
    return false;
  }
}

const withoutRedis = !await isInstalled("redis-server");

const inCi = Deno.env.get("CI") === "true";

for (const { name } of rows) {
  const lacks = withoutWrk
    ? "wrk"
    : name === "proxy" && !await goCompiles()
    ? "a Go that compiles"
    : name === "start" && !isCompiled()
    ? "dist/capsule, which deno task compile makes,"
    : ["store", "loading"].includes(name) && withoutRedis
    ? "redis-server"
    : undefined;
  Deno.test({
    name: `the row ${name} runs${lacks ? ` (skipped: ${lacks} is missing here)` : ""}`,
    ignore: lacks !== undefined && !inCi,
    fn: async () => {
      const said: string[] = [];
      const { text, failed } = await run(
        parseCommand(["--smoke", name]),
        (line) => said.push(line),
      );
      deepStrictEqual(failed, []);
      const line = text.split("\n").find((each) => each.startsWith(name));
      equal(line === undefined, false, `${said.join("\n")}\n${text}`);
      equal(/ours {2}.*ERRORS/.test(text), false, text);
    },
  });
}
