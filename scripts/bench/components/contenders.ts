import { bare, capsule, type Contender, env, ours, root } from "../contenders.ts";
import { startServer } from "../processes.ts";

/** Servers of components, each on the same single processor. */
export interface ComponentContenders {
  readonly bare: Contender;
  readonly ours: Contender;
  /** Keeps an instance for many requests; named like `ours`, with which it is never compared. */
  readonly oursReuse: Contender;
  /** `wasmtime serve`, which keeps compiled code in its cache. */
  readonly wasmtime: Contender;
  /** `wasmtime serve` of WASI 0.3, which keeps an instance for many requests. */
  readonly wasmtimeService: Contender;
  /** `wasmtime serve` of WASI 0.3 with a fresh instance for each request. */
  readonly wasmtimeSingleUse: Contender;
  /** `wasmtime serve` that compiles at each start. */
  readonly wasmtimeUncached: Contender;
}

/**
 * Returns the servers, or undefined if wasmtime cannot be installed, after `say` was called with
 * the reason.
 */
export async function componentContenders(
  say: (text: string) => void,
): Promise<ComponentContenders | undefined> {
  const folder = await outputOf("install_wasmtime.sh", say);
  if (folder === undefined) return undefined;
  const wasmtime = (name: string, ...flags: string[]): Contender => ({
    name,
    start: (module) =>
      startPinned((port) => {
        const words = [`${folder}/wasmtime`, "serve", "-S", "cli=y", ...flags];
        return [...words, "--addr", `127.0.0.1:${port}`, module];
      }),
  });
  const own = (...flags: string[]): Contender => ({
    name: ours.name,
    start: (module) =>
      startPinned((port) => {
        const words = [...capsule, "-mode=http", "-threads=1", `-wasm=${module}`, ...flags];
        return [...words, `-httpPort=${port}`];
      }),
  });
  const deno = Deno.execPath();
  return {
    bare: {
      name: bare.name,
      start: () =>
        startPinned((port) => [
          ...[deno, "run", "-A", `${root}scripts/bench/servers/bare.ts`, `${port}`],
        ]),
    },
    ours: own(),
    oursReuse: own("-reuse"),
    wasmtime: wasmtime("wasmtime serve"),
    wasmtimeService: wasmtime("wasmtime serve", ...asynchronous),
    wasmtimeSingleUse: wasmtime(
      "wasmtime serve, single use",
      ...asynchronous,
      ...["--max-instance-reuse-count", "1"],
    ),
    wasmtimeUncached: wasmtime("wasmtime serve, no cache", "-C", "cache=n"),
  };
}

/**
 * Runs a script of `scripts/` that prints the folder of what it installs or builds. Returns the
 * folder, or undefined if the script fails, after `say` was called with its output.
 */
export async function outputOf(
  script: string,
  say: (text: string) => void,
): Promise<string | undefined> {
  const command = new Deno.Command(`${root}scripts/${script}`, { stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  say(`scripts/${script} failed:\n${decoder.decode(stderr)}`);
}

/** Lets `wasmtime serve` run components of WASI 0.3. */
const asynchronous = ["-W", "component-model-async=y", "-S", "p3=y"] as const;

/** The load generator stays on the other processors, if there are any. */
const processor = `${navigator.hardwareConcurrency - 1}`;

function startPinned(command: (port: number) => readonly string[]) {
  return startServer((port) => ["taskset", "--cpu-list", processor, ...command(port)], env);
}
