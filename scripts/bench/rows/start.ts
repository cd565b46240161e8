import { NoBase, writeProgram } from "../../compile/program.ts";
import { compiled, isCompiled, modules } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";
import { timedRun } from "../timed_run.ts";

/** Size and start-up time of the compiled program beside an empty one. */
export const start: Row = {
  name: "start",
  about: "the compiled program's size and start, beside an empty program compiled in the same way",
  async run({ length, say }) {
    if (!isCompiled()) {
      say("there is no dist/capsule: deno task compile makes it");
      return [];
    }
    const folder = await Deno.makeTempDir({ prefix: "capsule-bench-" });
    try {
      const empty = `${folder}/empty`;
      await Deno.writeTextFile(`${folder}/main.js`, "");
      await writeProgram({ triple: Deno.build.target, output: empty, folder, included: [] });
      const commands = [
        [empty],
        [compiled, "-version"],
        [compiled, "-mode=cli", `-wasm=${modules.helloCli}`, "hello"],
      ];
      const rounds = byLength(length, { smoke: 1, quick: 15, full: 60 });
      const samples = await alternate(
        commands,
        rounds,
        async (command) => (await timedRun(command)).elapsedMs,
      );
      const [base = [], version = [], call = []] = samples;
      const line = (what: string, times: readonly number[], limit: number): Line => {
        const ratio = medianRatio(times, base);
        return {
          what,
          who: "ours, compiled",
          seen: `${digits(median(times))} ms`,
          ratio: `${digits(ratio)} × empty`,
          target: atMost(limit, ratio),
        };
      };
      const bytes = (path: string) => Deno.statSync(path).size;
      const moreMb = (bytes(compiled) - bytes(empty)) / 1e6;
      return [
        {
          what: "size",
          who: "ours, compiled",
          seen: `${digits(bytes(compiled) / 1e6)} MB`,
          ratio: `empty + ${digits(moreMb)} MB`,
          target: atMost(40, moreMb, "MB"),
        },
        { what: "start", who: "an empty program", seen: `${digits(median(base))} ms` },
        line("-version", version, 1.25),
        line("one call", call, 2),
      ];
    } catch (error) {
      if (!(error instanceof NoBase)) throw error;
      say(error.message);
      return [];
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};
