import { CapsuleError, messageOf } from "./errors.ts";

/**
 * The process's arguments, environment, streams and working directory. Rooms take what they need of
 * it as arguments, so that tests can replace it; only `main.ts` uses the real one.
 */
export interface Io {
  /** The command line after the program's name. */
  readonly args: readonly string[];
  readonly env: Env;
  readonly stdin: Input;
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  /** The working directory, absolute. */
  cwd(): string;
}

/** The process's environment variables. */
export interface Env {
  get(name: string): string | undefined;
  toObject(): Record<string, string>;
}

/** A stream of bytes to a reader outside of this program. */
export interface Output {
  /**
   * Writes all of the bytes before it returns. If the reader is gone, they are dropped.
   *
   * @throws CapsuleError `OUTPUT` if they cannot be written, as on a full disk; standard error
   * drops them.
   */
  write(bytes: Uint8Array | string): void;
  isTerminal(): boolean;
}

/** An output that a guest writes to as to its own descriptor. */
export interface ProcessOutput extends Output {
  /**
   * Writes one time and returns the number of bytes written. The number is a promise if the stream
   * is full and does not block; with `later` always, so that this thread is not blocked.
   *
   * @throws Deno.errors.BrokenPipe if the reader is gone; thrown, or as the promise's rejection.
   */
  writeSome(bytes: Uint8Array, later: boolean): number | Promise<number>;
}

/** A stream of bytes from outside of this program. */
export interface Input {
  /** Reads at least one byte and returns the number of bytes; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  isTerminal(): boolean;
}

/**
 * Best-effort write for logs: if the stream cannot be written, the bytes are dropped and the server
 * continues.
 */
export function writeOrDrop(output: Output, bytes: Uint8Array | string): void {
  try {
    output.write(bytes);
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
  }
}

/** Pause between two attempts to write to a full stream that does not block. */
const retryMs = 2;

/** Never notified: `Atomics.wait` on it is a synchronous sleep. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

interface Writer {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

function output(stream: Writer, onError: (error: unknown) => void): ProcessOutput {
  return {
    isTerminal: () => stream.isTerminal(),
    write(bytes) {
      let rest = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(stream.writeSync(rest));
        } catch (error) {
          if (error instanceof Deno.errors.BrokenPipe) return;
          if (!(error instanceof Deno.errors.WouldBlock)) return onError(error);
          Atomics.wait(sleeper, 0, 0, retryMs);
        }
      }
    },
    writeSome(bytes, later) {
      if (!later) {
        try {
          return stream.writeSync(bytes);
        } catch (error) {
          if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        }
      }
      return writeWhenReady(stream, bytes.slice());
    },
  };
}

async function writeWhenReady(stream: Writer, bytes: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await stream.write(bytes);
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
    // Loading `node:timers/promises` would show in every start (bench: `cli`).
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** Returns the `Io` of this process. */
export function processIo(args: readonly string[]): Io {
  return {
    args,
    env: Deno.env,
    stdin: Deno.stdin,
    stdout: output(Deno.stdout, (error) => {
      throw new CapsuleError("OUTPUT", `cannot write to standard output: ${messageOf(error)}`, {
        cause: error,
      });
    }),
    stderr: output(Deno.stderr, () => {}),
    cwd: Deno.cwd,
  };
}

/**
 * Makes a path of the command line absolute. `node:path` does the same and more, and its loading
 * would show in every cli call (bench: `cli`).
 */
export function absolutePath(path: string, io: Pick<Io, "cwd">): string {
  const isAbsolute = path.startsWith("/") ||
    (Deno.build.os === "windows" && /^(?:[A-Za-z]:)?[\\/]/.test(path));
  if (isAbsolute) return path;
  return `${io.cwd()}/${path.startsWith("./") ? path.replace(/^(?:\.\/)+/, "") : path}`;
}

/** Returns Capsule's folder in the user's cache folder; `undefined` for a user without a home. */
export function userCacheFolder(env: Env): string | undefined {
  const own = Deno.build.os === "windows" ? env.get("LOCALAPPDATA") : env.get("XDG_CACHE_HOME");
  if (own) return `${own}/capsule`;
  const home = env.get("HOME") || env.get("USERPROFILE");
  return home ? `${home}/.cache/capsule` : undefined;
}
