/**
 * Runs Capsule as a process: the binary `CAPSULE_BIN` of the tests' environment, or the `start`
 * task of `deno.json`. Capsule's own variables of that environment are removed.
 */
import config from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { TextCollector } from "./text_collector.ts";

export interface ProcessOptions {
  /** Variables beside those of the tests, which have none that Capsule reads. */
  env?: Record<string, string>;
  /** The working directory; default that of the tests. */
  cwd?: string;
  /** A command that runs Capsule, such as a shell that sets limits first. */
  under?: readonly string[];
  /** A script instead of `main.ts`. */
  main?: string;
}

/** The exit code and the output of a process. */
export interface Finished {
  /** The exit code; 128 plus the number of the signal that ended it. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** Runs Capsule and waits for its end. */
export async function runCapsule(
  args: readonly string[],
  options: ProcessOptions & { stdin?: string | Uint8Array } = {},
): Promise<Finished> {
  const child = command(args, options, options.stdin === undefined ? "null" : "piped").spawn();
  const output = child.output();
  if (options.stdin !== undefined) {
    const bytes = typeof options.stdin === "string"
      ? new TextEncoder().encode(options.stdin)
      : options.stdin;
    try {
      const writer = child.stdin.getWriter();
      await writer.write(bytes);
      await writer.close();
    } catch (error) {
      // It may end without reading all of its input.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }
  const { code, signal, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return {
    code,
    signal,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    stdoutBytes: stdout,
  };
}

/**
 * Reports whether `CAPSULE_BIN` contains an older Deno than that of the tests.
 */
export async function hasOlderDeno(): Promise<boolean> {
  if (!isBinary) return false;
  return !(await runCapsule(["-version"])).stdout.includes(`deno ${Deno.version.deno}`);
}

/** A server mode, from its ready line until it is stopped. */
export interface Running extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  /** The ready line. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly pid: number;
  readonly stdout: TextCollector;
  readonly stderr: TextCollector;
  /** Resolves when the process has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Sends a signal and does not wait. */
  kill(signal: Deno.Signal): void;
  /**
   * Sends SIGTERM or another signal, and waits until it has ended and its output was read.
   */
  stop(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
}

/**
 * A server that writes nothing for this long while it starts or stops is stuck.
 */
const stuckMs = 60_000;

/**
 * Starts a server mode and waits for its ready line: `await using server = await
 * startCapsule(["-mode=http"])`. Defaults are `-log=json` and 0 for all ports.
 *
 * @throws Error with its output if it ends or is stuck before it is ready.
 */
export async function startCapsule(
  args: readonly string[],
  options: ProcessOptions & {
    /**
     * Matches the ready line if it is not JSON; `ready` and `url` are empty then.
     */
    readyLine?: RegExp;
  } = {},
): Promise<Running> {
  const given = (name: string) => args.some((arg) => new RegExp(`^--?${name}(=|$)`).test(arg));
  const ports = args.includes("-mode=faas")
    ? ["registryPort", "proxyPort", "workerPort", "httpPortCounter"]
    : ["httpPort"];
  const added = [
    ...(given("log") ? [] : ["-log=json"]),
    ...ports.filter((name) => !given(name)).map((name) => `-${name}=0`),
  ];
  const child = command([...added, ...args], options, "null").spawn();
  const stdout = new TextCollector(child.stdout);
  const stderr = new TextCollector(child.stderr);
  const ended = Promise.all([child.status, stdout.done, stderr.done]).then(([status]) => status);
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  const stop = async (signal: Deno.Signal = "SIGTERM") => {
    kill(signal);
    const stuck = setTimeout(() => kill("SIGKILL"), stuckMs);
    const status = await ended;
    clearTimeout(stuck);
    return status;
  };

  const stuck = setTimeout(() => kill("SIGKILL"), stuckMs);
  const { readyLine = /^\{"event":"ready"/ } = options;
  const line = await stdout.line((text) => readyLine.test(text));
  clearTimeout(stuck);
  if (line === undefined) {
    const { code } = await stop();
    throw new Error(
      `capsule ${args.join(" ")} ended with exit code ${code} before it was ready\n` +
        `stdout: ${stdout.text}\nstderr: ${stderr.text}`,
    );
  }
  const ready: Record<string, unknown> = line.startsWith("{") ? JSON.parse(line) : {};
  return {
    url: String(ready.url ?? ""),
    ready,
    pid: child.pid,
    stdout,
    stderr,
    status: child.status,
    kill,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** True if the tests run a compiled program. */
export const isBinary = Deno.env.has("CAPSULE_BIN");

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Starts Capsule; the caller reads its streams. */
export function spawnCapsule(
  args: readonly string[],
  stdin: "null" | "piped",
  options: ProcessOptions = {},
): Deno.ChildProcess {
  return command(args, options, stdin).spawn();
}

/** Returns the program and its first arguments; `main` replaces `main.ts`. */
export function capsuleCommand(main = `${root}main.ts`): [string, ...string[]] {
  const binary = Deno.env.get("CAPSULE_BIN");
  if (binary) return [Deno.realPathSync(binary)];
  // The tests run with the Deno flags of the start task.
  const [deno, ...words] = config.tasks.start.split(" ");
  if (deno !== "deno") {
    throw new Error(`the start task of deno.json begins with "${deno}", not with deno`);
  }
  return [Deno.execPath(), ...words.map((word) => word === "main.ts" ? main : word)];
}

function command(
  args: readonly string[],
  options: ProcessOptions,
  stdin: "null" | "piped",
): Deno.Command {
  const [program = "", ...first] = [...options.under ?? [], ...capsuleCommand(options.main)];
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => !/^(?:CAPSULE_|REDIS_|COUCHBASE_)/.test(name));
  return new Deno.Command(program, {
    args: [...first, ...args],
    clearEnv: true,
    env: { ...Object.fromEntries(own), NO_COLOR: "1", ...options.env },
    cwd: options.cwd,
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}
