import { CapsuleError, messageOf } from "./errors.ts";

/**
 * The outside world as one value. Rooms take what they need of it as arguments, so that a test can hand in another
 * world; `main.ts` is the only place that makes the real one.
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

/** A stream of bytes that a person or a program reads. */
export interface Output {
  /**
   * Writes all of the bytes before it returns; a reader that went away is no error.
   *
   * @throws CapsuleError `OUTPUT` when nothing more is taken, as by a full disk; not of stderr, where that would be said.
   */
  write(bytes: Uint8Array | string): void;
  isTerminal(): boolean;
}

/** An output as a program of its own would have it. */
export interface ProcessOutput extends Output {
  /**
   * Writes what the stream takes at once and answers how many bytes that were. A promise where the stream is full and
   * does not block; with `later` always, so that this thread goes on while it waits.
   *
   * @throws Deno.errors.BrokenPipe when nobody reads any more. Thrown or rejected.
   */
  writeSome(bytes: Uint8Array, later: boolean): number | Promise<number>;
}

/** A stream of bytes from a person or a program. */
export interface Input {
  /** Reads at least one byte into the buffer; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  isTerminal(): boolean;
}

/** Writes what is for somebody who looks later: that is lost where nothing more is taken, and never ends a server. */
export function writeOrLose(output: Output, bytes: Uint8Array | string): void {
  try {
    output.write(bytes);
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
  }
}

const retryMs = 2; // until a full stream that does not block is tried again

/** Nobody ever wakes who waits here: it sleeps, without keeping a processor busy. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

interface Writer {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

function output(stream: Writer, refused: (error: unknown) => void): ProcessOutput {
  return {
    isTerminal: () => stream.isTerminal(),
    write(bytes) {
      let rest = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(stream.writeSync(rest));
        } catch (error) {
          if (error instanceof Deno.errors.BrokenPipe) return;
          if (!(error instanceof Deno.errors.WouldBlock)) return refused(error);
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
      return writeWaiting(stream, bytes.slice());
    },
  };
}

async function writeWaiting(stream: Writer, bytes: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await stream.write(bytes);
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** The world of this process. */
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
