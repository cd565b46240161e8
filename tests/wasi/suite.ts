import { outputWithin } from "../testing/output_within.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { type Description, readDescription } from "./suite_description.ts";

/** Programs that are expected not to pass, each with the reason. */
export interface Expectations {
  /** Not run: they need a feature that does not exist here. */
  readonly cannotRun: Readonly<Record<string, string>>;
  /** Run, and known to fail. One that passes is an error, so that the entry is removed. */
  readonly fails: Readonly<Record<string, string>>;
}

export interface ProgramResult {
  readonly name: string;
  /** The reason of a failure, undefined if it passed. */
  readonly failure?: string;
}

/** Returns the names of the programs in a folder, sorted. */
export function programsIn(suite: string): string[] {
  return [...Deno.readDirSync(suite)].map(({ name }) => name).filter((name) =>
    name.endsWith(".wasm")
  )
    .map((name) => name.slice(0, -".wasm".length)).sort();
}

/** Runs all programs of a folder that can run, each in its own process. */
export async function runSuite(
  suite: string,
  expectations: Expectations,
  limitMs: number,
): Promise<ProgramResult[]> {
  const results: ProgramResult[] = [];
  for (const name of programsIn(suite)) {
    if (Object.hasOwn(expectations.cannotRun, name)) continue;
    const failure = await runOne(suite, name, limitMs);
    results.push({ name, ...(failure === undefined ? {} : { failure }) });
  }
  return results;
}

/** Runs one program on copies of its folders. Returns why it failed, undefined if it passed. */
export async function runOne(
  suite: string,
  name: string,
  limitMs: number,
): Promise<string | undefined> {
  const described = describe(suite, name);
  using folder = new TemporaryFolder();
  const flags: string[] = [];
  for (const [index, { from, guest }] of described.folders.entries()) {
    const host = folder.at(`inside/${index}`);
    copy(`${suite}/${from}`, host);
    flags.push(`-dir=${host}::${guest}`);
  }
  for (const [key, value] of Object.entries(described.env)) flags.push(`-env=${key}=${value}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", new URL("run_program.ts", import.meta.url).pathname],
      ...[...flags, `${suite}/${name}.wasm`, ...described.args],
    ],
    cwd: folder.inside,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const printed = await outputWithin(child, limitMs);
  if (printed.late) return `did not end within ${limitMs} ms`;
  if (printed.code !== described.exitCode) {
    return `exit code ${printed.code}, not ${described.exitCode}\n${printed.stderr}`;
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const wanted = described[stream];
    if (wanted === undefined || wanted === printed[stream]) continue;
    return `printed ${JSON.stringify(printed[stream])} on ${stream}, not ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

/** Returns the differences between results and expectations. */
export function judge(
  programs: readonly string[],
  results: readonly ProgramResult[],
  expectations: Expectations,
): string[] {
  const wrong: string[] = [];
  for (const { name, failure } of results) {
    const expected = Object.hasOwn(expectations.fails, name);
    if (failure !== undefined && !expected) wrong.push(`${name}: ${failure}`);
    if (failure === undefined && expected) {
      wrong.push(`${name}: passes, though it is expected to fail`);
    }
  }
  for (const name of [...Object.keys(expectations.cannotRun), ...Object.keys(expectations.fails)]) {
    if (!programs.includes(name)) {
      wrong.push(`${name}: is expected to fail, but there is no such program`);
    }
  }
  return wrong;
}

function describe(suite: string, name: string): Description {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${suite}/${name}.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { args: [], env: {}, folders: [], exitCode: 0 };
    }
    throw error;
  }
  return readDescription(`${name}.json`, text);
}

/** Files that programs leave behind when they are run in the suite's own folders. */
const leftover = /\.cleanup$/;

/** Copies a folder, links as links. */
function copy(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(from)) {
    if (leftover.test(name)) continue;
    if (isDirectory) copy(`${from}/${name}`, `${to}/${name}`);
    else if (isSymlink) Deno.symlinkSync(Deno.readLinkSync(`${from}/${name}`), `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
