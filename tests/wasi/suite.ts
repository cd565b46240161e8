import { TemporaryFolder } from "../files/temporary_folder.ts";

/** How a program of a suite is run, and what it must do: its `name.json`. */
export interface Description {
  /** After the program's own name. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** A folder beside the description: the program gets a copy of it, as `/`. */
  root?: string;
  /** The same for several, each under the name given here. */
  dirs?: readonly string[];
  /** Default: 0. */
  exit_code?: number;
  /** Exactly; anything when absent. */
  stdout?: string;
}

/** Programs that are not expected to pass, each with the reason. */
export interface Expectations {
  /** Not run: what they need does not exist here. */
  readonly cannotRun: Readonly<Record<string, string>>;
  /** Run, and known to fail. One that passes is an error: it is to be taken out. */
  readonly fails: Readonly<Record<string, string>>;
}

export interface Result {
  readonly name: string;
  /** `undefined` when it passed. */
  readonly failure?: string;
}

const keys = new Set(["args", "env", "root", "dirs", "exit_code", "stdout"]);

/** The programs of a folder, in the order of their names. */
export function programsIn(suite: string): string[] {
  return [...Deno.readDirSync(suite)].map(({ name }) => name).filter((name) => name.endsWith(".wasm"))
    .map((name) => name.slice(0, -".wasm".length)).sort();
}

/** Runs all of a folder's programs but those that cannot run, each in a process of its own. */
export async function runSuite(
  suite: string,
  expectations: Expectations,
  limitMs: number,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of programsIn(suite)) {
    if (Object.hasOwn(expectations.cannotRun, name)) continue;
    const failure = await runOne(suite, name, limitMs);
    results.push({ name, ...(failure === undefined ? {} : { failure }) });
  }
  return results;
}

/** Runs one program on a copy of its folders; answers why it failed. */
export async function runOne(suite: string, name: string, limitMs: number): Promise<string | undefined> {
  const described = describe(suite, name);
  using folder = new TemporaryFolder();
  const flags: string[] = [];
  const dirs = described.dirs?.map((dir) => [dir, dir] as const) ?? [];
  const roots = described.root === undefined ? [] : [[described.root, "/"] as const];
  for (const [index, [from, guest]] of [...roots, ...dirs].entries()) {
    const host = folder.at(`inside/${index}`);
    copy(`${suite}/${from}`, host);
    flags.push(`-dir=${host}::${guest}`);
  }
  for (const [key, value] of Object.entries(described.env ?? {})) flags.push(`-env=${key}=${value}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", new URL("run_program.ts", import.meta.url).pathname],
      ...[...flags, `${suite}/${name}.wasm`, ...(described.args ?? [])],
    ],
    cwd: folder.inside,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  if (late) return `did not end within ${limitMs} ms`;
  const wanted = described.exit_code ?? 0;
  if (code !== wanted) return `exit code ${code}, not ${wanted}\n${new TextDecoder().decode(stderr)}`;
  const printed = new TextDecoder().decode(stdout);
  if (described.stdout === undefined || described.stdout === printed) return undefined;
  return `printed ${JSON.stringify(printed)}, not ${JSON.stringify(described.stdout)}`;
}

/** What is wrong with a run: failures that nobody expected, and expectations that do not hold any more. */
export function judge(
  programs: readonly string[],
  results: readonly Result[],
  expectations: Expectations,
): string[] {
  const wrong: string[] = [];
  for (const { name, failure } of results) {
    const expected = Object.hasOwn(expectations.fails, name);
    if (failure !== undefined && !expected) wrong.push(`${name}: ${failure}`);
    if (failure === undefined && expected) wrong.push(`${name}: passes, though it is expected to fail`);
  }
  for (const name of [...Object.keys(expectations.cannotRun), ...Object.keys(expectations.fails)]) {
    if (!programs.includes(name)) wrong.push(`${name}: is expected to fail, but there is no such program`);
  }
  return wrong;
}

function describe(suite: string, name: string): Description {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${suite}/${name}.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  const described = JSON.parse(text) as Description;
  const unknown = Object.keys(described).find((key) => !keys.has(key));
  if (unknown !== undefined) throw new Error(`${name}.json: the runner does not know ${unknown}`);
  for (const folder of [described.root ?? ".", ...(described.dirs ?? [])]) {
    if (folder.startsWith("/") || folder.split("/").includes("..")) {
      throw new Error(`${name}.json: ${folder} does not lie in the suite`);
    }
  }
  return described;
}

/** Copies a folder, links as links. */
function copy(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(from)) {
    if (isDirectory) copy(`${from}/${name}`, `${to}/${name}`);
    else if (isSymlink) Deno.symlinkSync(Deno.readLinkSync(`${from}/${name}`), `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
