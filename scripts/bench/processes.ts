/** Servers as processes of their own, and what the kernel says of them. Linux, but for the starting and stopping. */

import { freePort } from "../../tests/testing/free_port.ts";

/** A server that takes connections. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Seconds of processor time that all its threads have used so far; NaN where `/proc` is missing. */
  cpuSeconds(): number;
  /** Its resident memory now, in bytes; NaN where `/proc` is missing. */
  residentBytes(): number;
  /** The most that it ever was. */
  peakBytes(): number;
}

const startLimitMs = 30_000;
const running = new Set<Deno.ChildProcess>();

/**
 * Starts a server and waits until it takes connections. What it writes on standard output (each call's log) goes to
 * the null device, so that nobody has to read it; stderr is kept for the case that it fails.
 *
 * @throws Error with what it wrote on stderr, when it ends or does not listen within 30 s.
 */
export async function startServer(
  command: (port: number) => readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const port = freePort();
  const words = command(port);
  const errors = await Deno.makeTempFile({ prefix: "capsule-bench-" });
  // A benchmark of many connections wants as many descriptors as the system allows.
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
  const givenUpMs = performance.now() + startLimitMs;
  while (!await takesConnections(port)) {
    if (!ended && performance.now() < givenUpMs) {
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
    [Symbol.asyncDispose]: stop,
  };
}

/** The environment without what would set up a launcher otherwise than the benchmark says. */
export function ownEnvironment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("CAPSULE_"));
  return { NO_COLOR: "1", ...Object.fromEntries(own) };
}

/** Ends every server that still runs: for a benchmark that is interrupted. */
export function stopServers(): void {
  for (const child of running) child.kill("SIGKILL");
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

const ticksPerSecond = 100; // USER_HZ, the same on every Linux that Deno runs on

/** User and system time: the 14th and 15th field, counted from the name's closing bracket. @see proc_pid_stat(5) */
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
