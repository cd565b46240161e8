/**
 * The outside world as one value. Rooms take what they need of it as arguments, so that a test can hand in another
 * world; `main.ts` is the only place that makes the real one.
 */
export interface Io {
  /** The command line after the program's name. */
  readonly args: readonly string[];
  readonly env: Env;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
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
  /** Writes all of the bytes before it returns; a reader that went away is no error. */
  write(bytes: Uint8Array | string): void;
  isTerminal(): boolean;
}

/** A stream of bytes from a person or a program. */
export interface Input {
  /** Reads at least one byte into the buffer; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

const encoder = new TextEncoder();

interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

function output(stream: SyncWriter): Output {
  return {
    isTerminal: () => stream.isTerminal(),
    write(bytes) {
      let rest = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(stream.writeSync(rest));
        } catch (error) {
          if (error instanceof Deno.errors.BrokenPipe) return;
          if (error instanceof Deno.errors.WouldBlock) continue;
          throw error;
        }
      }
    },
  };
}

/** The world of this process. */
export function processIo(args: readonly string[]): Io {
  return {
    args,
    env: Deno.env,
    stdin: Deno.stdin,
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    cwd: Deno.cwd,
  };
}
