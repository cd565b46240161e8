import { mustRun, root, run } from "./run.ts";

/** No base runtime is available for a target. */
export class NoBase extends Error {}

/** A program to compile. */
export interface Program {
  readonly triple: string;
  /** The path of the program. */
  readonly output: string;
  /** The folder of `main.js` and of the `deno.json` to compile with. */
  readonly folder: string;
  /** Other files of that folder to include. */
  readonly included: readonly string[];
}

/**
 * Compiles a program with the running Deno or with that of `compile_base.sh`, and returns the
 * version of its Deno.
 *
 * The program has no code cache: Deno keeps one under a predictable name in the folder for
 * temporary files, where another user could plant code.
 *
 * @throws NoBase; Error if a command fails.
 */
export async function writeProgram({ triple, output, folder, included }: Program): Promise<string> {
  const args = [
    ...["compile", "--quiet", "--allow-all", "--no-check", "--no-lock", "--no-code-cache"],
    `--target=${triple}`,
    `--output=${output}`,
    ...included.map((name) => `--include=${name}`),
    "main.js",
  ];
  const own = await run([Deno.execPath(), ...args], { cwd: folder });
  if (own.success) return Deno.version.deno;
  if (!own.stderr.includes("Setting up base binary")) {
    throw new Error(`deno ${args.join(" ")} failed:\n${own.stderr}`);
  }

  const base = await run(["bash", `${root}scripts/compile_base.sh`, triple]);
  if (!base.success) {
    throw new NoBase(
      `the base of Deno ${Deno.version.deno} cannot be fetched, and ${base.stderr.trim()}`,
    );
  }
  const [, deno = ""] = base.stdout.match(/^DENO='(.*)'$/m) ?? [];
  const [, denort = ""] = base.stdout.match(/^DENORT_BIN='(.*)'$/m) ?? [];
  await mustRun([deno, ...args], { cwd: folder, env: { DENORT_BIN: denort } });
  const version = await mustRun([deno, "--version"]);
  return version.split(" ")[1] ?? version;
}
