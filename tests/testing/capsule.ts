/**
 * Capsule as a process. With `CAPSULE_BIN=path` in the environment of the tests that binary runs; without it, what
 * the `start` task of `deno.json` runs. Variables of the person's own that Capsule would read are kept from it.
 */
import config from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { TextCollector } from "./text_collector.ts";

export interface ProcessOptions {
  /** Added to the tests' own environment, in which nothing that Capsule reads is set. */
  env?: Record<string, string>;
  /** The working directory; the tests' own if not given. */
  cwd?: string;
  /** A program and its arguments that start Capsule, such as a shell that first limits itself. */
  under?: readonly string[];
  /** A script in the place of `main.ts`. */
  main?: string;
}

/** How a process ended and what it wrote. */
export interface Finished {
  /** The exit code; 128 + the signal's number when a signal ended it. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** Runs Capsule to its end. */
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

/** Whether the program of `CAPSULE_BIN` has another Deno inside than the one of the tests, which is older. */
export async function hasOlderDeno(): Promise<boolean> {
  if (!isBinary) return false;
  return !(await runCapsule(["-version"])).stdout.includes(`deno ${Deno.version.deno}`);
}

/** A mode that listens, from its ready line until it is stopped. */
export interface Running extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** The whole ready line. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly pid: number;
  readonly stdout: TextCollector;
  readonly stderr: TextCollector;
  /** Resolves when the process has ended by itself or otherwise. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Sends a signal and does not wait. */
  kill(signal: Deno.Signal): void;
  /** Asks it to end (SIGTERM unless another is named) and waits until it has, and until all output has been read. */
  stop(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
}

/** A server that says nothing for this long while it starts or stops is stuck, and the test with it. */
const stuckMs = 60_000;

/**
 * Starts a mode that listens, with `-log=json` and `-httpPort=0` (or whatever its ports are called) unless the arguments say otherwise,
 * and waits for its ready line: `await using server = await startCapsule(["-mode=http"])`.
 *
 * @throws Error with all that it wrote when it ends, or is stuck, before it is ready.
 */
export async function startCapsule(
  args: readonly string[],
  options: ProcessOptions & {
    /** What shows that it is ready, where that is not the line of JSON; then `ready` and `url` say nothing. */
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
      // It has ended, perhaps by an earlier signal.
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

/** Whether the tests run a compiled program. */
export const isBinary = Deno.env.has("CAPSULE_BIN");

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Starts Capsule and leaves its streams to the caller. */
export function spawnCapsule(
  args: readonly string[],
  stdin: "null" | "piped",
  options: ProcessOptions = {},
): Deno.ChildProcess {
  return command(args, options, stdin).spawn();
}

/** The program and its first arguments; with `main`, that script in the place of `main.ts`. */
export function capsuleCommand(main = `${root}main.ts`): [string, ...string[]] {
  const binary = Deno.env.get("CAPSULE_BIN");
  if (binary) return [Deno.realPathSync(binary)];
  // Whatever flags the start task gives to Deno are those that the tests run with.
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
