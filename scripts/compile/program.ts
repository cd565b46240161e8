import { mustRun, root, run } from "./run.ts";

/** Thrown where no base for a target can be had. */
export class NoBase extends Error {}

/** A program to be written. */
export interface Program {
  readonly triple: string;
  /** Its path. */
  readonly output: string;
  /** Where its `main.js` lies, with the settings that it is compiled with. */
  readonly folder: string;
  /** Other files of that folder which go in. */
  readonly included: readonly string[];
}

/**
 * Writes a program by the running Deno, or by the one of `compile_base.sh`.
 *
 * It keeps no code cache: that would lie in the system's folder for temporary files under a name that everybody can guess, and whoever
 * writes it first decides what runs. It brought nothing that could be measured.
 *
 * @returns the version of the Deno inside.
 * @throws NoBase; Error when anything else fails.
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
