import { modules, root } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { median } from "../statistics.ts";
import { digits } from "../table.ts";

/** Modules, the number of times that their functions are in them, and the targets. */
const works = [
  { what: "hello-http", module: modules.hello, times: 1, limitMs: 15 },
  { what: "compute", module: modules.compute, times: 1, limitMs: undefined },
  { what: "compute, functions 12 times", module: modules.compute, times: 12, limitMs: 400 },
];

/** Time of the preparation of a module, each in a new process. */
export const prepare: Row = {
  name: "prepare",
  about: "preparation of a module in a process that has prepared nothing before",
  async run({ length }) {
    const rounds = byLength(length, { smoke: 1, quick: 5, full: 15 });
    const lines: Line[] = [];
    for (const { what, module, times, limitMs } of works) {
      const seen: (readonly [bytes: number, ms: number])[] = [];
      for (let round = 0; round < rounds; round++) seen.push(await prepareOnce(module, times));
      const middle = median(seen.map(([, ms]) => ms));
      const [bytes = 0] = seen[0] ?? [];
      lines.push({
        what: `${what}, ${digits(bytes)} bytes`,
        who: "ours",
        seen: `${digits(middle)} ms, lowest ${digits(Math.min(...seen.map(([, ms]) => ms)))} ms`,
        target: limitMs === undefined ? undefined : atMost(limitMs, middle, "ms"),
      });
    }
    return lines;
  },
};

async function prepareOnce(module: string, times: number): Promise<[bytes: number, ms: number]> {
  const script = `${root}scripts/bench/servers/prepare_once.ts`;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, module, `${times}`],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${script} failed; its stderr has the reason`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
