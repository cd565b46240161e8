import { capsule, compiled, isCompiled, modules } from "../contenders.ts";
import { atMost, type Bench, byLength, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";
import { timedRun } from "../timed_run.ts";

const words = ["👋", "hello"];

/** A command that prints the function's result, and its target. */
interface Program {
  readonly name: string;
  readonly command: readonly string[];
}

/** Elapsed time of a whole process that makes one trivial call. */
export const cli: Row = {
  name: "cli",
  about:
    "a process that makes one trivial call, from its start to its end, beside a one-line Deno script",
  async run(bench) {
    const { length } = bench;
    const rounds = byLength(length, { smoke: 1, quick: 15, full: 40 });
    const folder = await Deno.makeTempDir({ prefix: "capsule-bench-" });
    try {
      const [own = { name: "", command: [] }, ...rest] = programs(bench);
      const { text } = await timedRun(own.command);
      const script = `${folder}/say.ts`;
      await Deno.writeTextFile(script, `console.log(${JSON.stringify(text.trimEnd())});\n`);
      const baseline = {
        name: "one-line Deno script",
        command: [Deno.execPath(), "run", "-A", script],
      };
      const all = [baseline, own, ...rest];
      for (const program of all) {
        const printed = await timedRun(program.command);
        if (printed.text === text) continue;
        throw new Error(
          `${program.name} printed ${JSON.stringify(printed.text)}, not ${JSON.stringify(text)}`,
        );
      }
      const samples = await alternate(
        all,
        rounds,
        async ({ command }) => (await timedRun(command)).elapsedMs,
      );
      return all.map(({ name }, index) => {
        const times = samples[index] ?? [];
        const ratio = medianRatio(times, samples[0] ?? []);
        return {
          what: "one call",
          who: name,
          seen: `${digits(median(times))} ms`,
          ratio: index === 0 ? undefined : `${digits(ratio)} × the script`,
          target: name === own.name ? atMost(1.8, ratio) : undefined,
        };
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

function programs({ others }: Bench): Program[] {
  const call = ["-mode=cli", `-wasm=${modules.helloCli}`, ...words];
  return [
    { name: "ours", command: [...capsule, ...call] },
    ...(isCompiled() ? [{ name: "ours, compiled", command: [compiled, ...call] }] : []),
    // Launchers with arguments take part only in the rows that serve.
    ...others.filter((other) => other.words.length === 1)
      .map((other) => ({ name: other.name, command: [...other.words, ...call] })),
  ];
}
