/**
 * `deno task compile`: writes `dist/capsule`, one file that runs on this machine without Deno.
 *
 * The running Deno writes it, if the base that `deno compile` writes on is here or can be fetched. Where Deno's download
 * host cannot be reached, the Deno of `compile_base.sh` does: an older one, for which a base can be had elsewhere.
 */

const root = new URL("../", import.meta.url).pathname;
const target = Deno.build.os === "windows" ? "dist/capsule.exe" : "dist/capsule";
const lock = "dist/compile.lock";
const config = "dist/compile.json";

/** The parts of a lock file, version 5, that are read here. */
interface Lock {
  specifiers?: Record<string, string>;
  npm?: Record<string, unknown>;
  workspace?: { dependencies?: string[] };
}

interface ModuleInfo {
  modules: { specifier?: string }[];
  npmPackages: Record<string, { dependencies: string[] }>;
}

/**
 * The lock file without the packages that only the tests use: `deno compile` embeds every package that its lock file
 * names, and checks what it embeds against the digests there.
 */
export function runtimeLock(whole: Lock, info: ModuleInfo): Lock {
  const kept = new Set<string>();
  const keep = (id: string): void => {
    if (kept.has(id)) return;
    kept.add(id);
    for (const dependency of info.npmPackages[id]?.dependencies ?? []) keep(dependency);
  };
  for (const { specifier = "" } of info.modules) {
    const [, id] = specifier.match(/^npm:\/((?:@[^/]+\/)?[^/]+)/) ?? [];
    if (id !== undefined) keep(id);
  }
  const versionOf = new Map(Object.entries(whole.specifiers ?? {}));
  const isKept = (specifier: string): boolean => {
    const name = specifier.replace(/^npm:/, "").replace(/(.)@.*$/, "$1");
    return kept.has(`${name}@${versionOf.get(specifier)}`);
  };
  return {
    ...whole,
    specifiers: Object.fromEntries([...versionOf].filter(([specifier]) => isKept(specifier))),
    npm: Object.fromEntries(Object.entries(whole.npm ?? {}).filter(([id]) => kept.has(id))),
    workspace: {
      ...whole.workspace,
      dependencies: whole.workspace?.dependencies?.filter(isKept) ?? [],
    },
  };
}

/** The project's settings without lazy imports, with which `deno compile` would leave out what is imported later. */
export function compileConfig(settings: { unstable: readonly string[] }): unknown {
  return { ...settings, unstable: settings.unstable.filter((feature) => feature !== "lazy-dynamic-imports") };
}

interface Output {
  success: boolean;
  text: string;
}

/** Runs a command in the project's folder. `text` is its stdout, or its stderr when it failed. */
async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Output> {
  const options = { args, env, cwd: root, stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const { success, stdout, stderr } = await new Deno.Command(command, options).output();
  return { success, text: new TextDecoder().decode(success ? stdout : stderr) };
}

async function mustRun(command: string, args: string[], env?: Record<string, string>): Promise<string> {
  const { success, text } = await run(command, args, env);
  if (!success) throw new Error(`${command} ${args.join(" ")} failed:\n${text}`);
  return text;
}

/** Compiles with the running Deno, or with the one of `compile_base.sh`. Returns the version of the Deno inside. */
async function compile(): Promise<string> {
  const args = [
    "compile",
    "--quiet",
    "--allow-all",
    "--no-check",
    `--lock=${lock}`,
    `--config=${config}`,
    `--output=${target}`,
    "--unstable-raw-imports",
    "--include=scripts/embedded.ts",
    "--include=src/modes/http_thread.ts",
    "--include=src/store/checkpoint_worker.ts",
    "main.ts",
  ];

  const { success, text } = await run(Deno.execPath(), args);
  if (success) return Deno.version.deno;
  if (!text.includes("Setting up base binary")) throw new Error(`deno ${args.join(" ")} failed:\n${text}`);

  console.error(
    `The base of Deno ${Deno.version.deno} cannot be fetched: compiling with scripts/compile_base.sh`,
  );
  const assignments = await mustRun("bash", ["scripts/compile_base.sh"]);
  const [, deno = ""] = assignments.match(/^DENO='(.*)'$/m) ?? [];
  const [, base = ""] = assignments.match(/^DENORT_BIN='(.*)'$/m) ?? [];
  await mustRun(deno, args, { DENORT_BIN: base });
  const version = await mustRun(deno, ["--version"]);
  return version.split(" ")[1] ?? version;
}

if (import.meta.main) {
  await Deno.mkdir(`${root}dist`, { recursive: true });
  const settings = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  await Deno.writeTextFile(`${root}${config}`, JSON.stringify(compileConfig(settings), null, 2));
  const whole: Lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`));
  const info: ModuleInfo = JSON.parse(await mustRun(Deno.execPath(), ["info", "--json", "main.ts"]));
  await Deno.writeTextFile(`${root}${lock}`, JSON.stringify(runtimeLock(whole, info), null, 2));
  const version = await compile();
  const { size } = await Deno.stat(`${root}${target}`);
  console.log(`${target}: ${(size / 2 ** 20).toFixed(0)} MiB, with Deno ${version} inside`);
}
