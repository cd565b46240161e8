import { capsule, root } from "../contenders.ts";
import { ownEnvironment } from "../processes.ts";
import { atMost, type Bench, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

/** The work of one turn of `files/files.c`, and its argument. */
const works = [
  { what: "write 64 MiB in pieces of 4 KiB", unit: 16_384, work: "write" },
  { what: "read 64 MiB in pieces of 4 KiB", unit: 16_384, work: "read" },
  { what: "path_open and fd_close, 10,000 times", unit: 10_000, work: "open" },
] as const;

/** A runtime, with its command line for the arguments of the program. */
interface Contender {
  readonly name: string;
  readonly command: (args: readonly string[]) => readonly string[];
}

/** Files through WASI, beside Node's. */
export const files: Row = {
  name: "files",
  about: "a WASI program that reads, writes and opens files, beside Node's node:wasi",
  async run(bench) {
    const folder = await Deno.makeTempDir({ prefix: "capsule-bench-" });
    try {
      await Deno.mkdir(`${folder}/granted`);
      for (const path of [folder, `${folder}/granted`]) await Deno.chmod(path, 0o777);
      await Deno.copyFile(`${root}scripts/bench/files/files.wasm`, `${folder}/files.wasm`);
      await Deno.copyFile(`${root}tests/testing/node_wasi.mjs`, `${folder}/node_wasi.mjs`);
      const all = await contenders(folder, bench);
      const lines: Line[] = [];
      for (const work of works) {
        bench.say(work.what);
        lines.push(...await measure(all, work, bench));
      }
      return lines;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function contenders(folder: string, { say }: Bench): Promise<Contender[]> {
  const program = `${folder}/files.wasm`;
  const granted = `${folder}/granted`;
  const ours: Contender = {
    name: "ours",
    command: (
      args,
    ) => [...capsule, "-mode=cli", `-wasm=${program}`, `-dir=${granted}::.`, "--", ...args],
  };
  try {
    await new Deno.Command("node", { args: ["--version"] }).output();
  } catch {
    say("node is not installed");
    return [ours];
  }
  // Node's WASI does not confine a guest to its folder, so it runs without rights. It runs first,
  // as root can write its file afterwards.
  const nobody = Deno.uid() === 0
    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    : [];
  const node = ["node", "--no-warnings", `${folder}/node_wasi.mjs`, `${granted}::.`, program, "--"];
  return [{ name: "node:wasi", command: (args) => [...nobody, ...node, ...args] }, ours];
}

/** Measures the processor time of one call, on all threads, without that of the process's start. */
async function measure(
  all: readonly Contender[],
  { what, unit, work }: typeof works[number],
  { length }: Bench,
): Promise<Line[]> {
  const rounds = byLength(length, { smoke: 1, quick: 3, full: 9 });
  const turns = byLength(length, { smoke: 1, quick: 4, full: 8 });
  const samples = await alternate(all, rounds, async ({ command }) => {
    await processorSeconds(command(["write", "1"]));
    const idle = await processorSeconds(command([work, "0"]));
    const busy = await processorSeconds(command([work, `${turns}`]));
    return (busy - idle) * 1e6 / turns / unit;
  });
  return all.map(({ name }, index) => {
    const took = samples[index] ?? [];
    const ratio = medianRatio(took, samples[0] ?? []);
    return {
      what,
      who: name,
      seen: `${digits(median(took))} µs CPU a call`,
      ...(index === 0
        ? {}
        : { ratio: `${digits(ratio)} × ${all[0]?.name}`, target: atMost(1.5, ratio) }),
    };
  });
}

/** Runs a command and returns the processor time that it used, in seconds. */
async function processorSeconds(command: readonly string[]): Promise<number> {
  // `times` prints the shell's own time in the first line, that of its children in the second.
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", '"$@" && times', "sh", ...command],
    clearEnv: true,
    env: ownEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`${command.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  }
  const [, children = ""] = new TextDecoder().decode(stdout).trim().split("\n");
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
