/** Server processes and their resource use, which is read from `/proc` (Linux). */

import { freePort } from "../../tests/testing/free_port.ts";

/** A running server that accepts connections. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Returns the CPU seconds of all its threads so far; NaN without `/proc`. */
  cpuSeconds(): number;
  /** Returns its current resident memory in bytes; NaN without `/proc`. */
  residentBytes(): number;
  /** Returns its peak resident memory in bytes; NaN without `/proc`. */
  peakBytes(): number;
  /** Lets the peak begin at the current resident memory (proc_pid_clear_refs(5)). */
  resetPeak(): void;
}

/** wasmtime compiles a component of many megabytes before it listens. */
const startLimitMs = 180_000;
const running = new Set<Deno.ChildProcess>();

/**
 * Starts a server and waits until it accepts connections. Its standard output (each call's log)
 * goes to the null device.
 *
 * @throws Error with its stderr if it exits or does not listen within 3 minutes.
 */
export async function startServer(
  command: (port: number) => readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const port = freePort();
  const words = command(port);
  const errors = await Deno.makeTempFile({ prefix: "capsule-bench-" });
  // Rows with many connections need as many descriptors as the system allows.
  const script =
    'ulimit -n "$(ulimit -Hn)" 2>/dev/null; errors=$0; exec "$@" >/dev/null 2>"$errors"';
  const child = new Deno.Command("sh", {
    args: ["-c", script, errors, ...words],
    clearEnv: true,
    env: { ...ownEnvironment(), ...env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  running.add(child);
  let ended = false;
  const status = child.status.then(() => {
    ended = true;
    running.delete(child);
  });
  const stop = async () => {
    if (!ended) child.kill("SIGKILL");
    await status;
    await Deno.remove(errors).catch(() => {});
  };
  const limitMs = performance.now() + startLimitMs;
  while (!await acceptsConnections(port)) {
    if (!ended && performance.now() < limitMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      continue;
    }
    const text = await Deno.readTextFile(errors);
    await stop();
    throw new Error(`${words.join(" ")} does not listen on port ${port}:\n${text}`);
  }
  const { pid } = child;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    pid,
    cpuSeconds: () => cpuSeconds(pid),
    residentBytes: () => memoryBytes(pid, "VmRSS"),
    peakBytes: () => memoryBytes(pid, "VmHWM"),
    resetPeak: () => Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5"),
    [Symbol.asyncDispose]: stop,
  };
}

/** Returns the environment without variables that configure a launcher. */
export function ownEnvironment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("CAPSULE_"));
  return { NO_COLOR: "1", ...Object.fromEntries(own) };
}

/** Kills every server that still runs, when the benchmark is interrupted. */
export function stopServers(): void {
  for (const child of running) child.kill("SIGKILL");
}

async function acceptsConnections(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

const ticksPerSecond = 100; // USER_HZ, the same on every Linux that Deno runs on

/** User and system time: fields 14 and 15 of proc_pid_stat(5), after the name's bracket. */
function cpuSeconds(pid: number): number {
  const text = readProc(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? NaN) + Number(fields[12] ?? NaN)) / ticksPerSecond;
}

function memoryBytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const [, kibibytes = NaN] =
    readProc(`/proc/${pid}/status`).match(new RegExp(`${field}:\\s+(\\d+) kB`)) ??
      [];
  return Number(kibibytes) * 1024;
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
