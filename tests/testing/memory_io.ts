import type { Io, ProcessOutput } from "../../src/base/io.ts";

/** An `Io` in memory, whose output can be read as text. */
export interface MemoryIo extends Io {
  readonly stdout: MemoryOutput;
  readonly stderr: MemoryOutput;
}

/** An output that keeps its text. */
export class MemoryOutput implements ProcessOutput {
  readonly #decoder = new TextDecoder();
  text = "";

  write(bytes: Uint8Array | string): void {
    this.text += typeof bytes === "string" ? bytes : this.#decoder.decode(bytes, { stream: true });
  }

  writeSome(bytes: Uint8Array): number {
    this.write(bytes);
    return bytes.length;
  }

  isTerminal(): boolean {
    return false;
  }
}

/** Makes an `Io` with arguments, environment variables and standard input. */
export function memoryIo(
  world: { args?: readonly string[]; env?: Record<string, string>; stdin?: Uint8Array } = {},
): MemoryIo {
  const env = { ...world.env };
  let rest = world.stdin ?? new Uint8Array(0);
  return {
    args: world.args ?? [],
    env: {
      get: (name) => Object.hasOwn(env, name) ? env[name] : undefined,
      toObject: () => ({ ...env }),
    },
    stdin: {
      isTerminal: () => false,
      read(buffer) {
        const part = rest.subarray(0, buffer.length);
        buffer.set(part);
        rest = rest.subarray(part.length);
        return Promise.resolve(part.length === 0 ? null : part.length);
      },
    },
    stdout: new MemoryOutput(),
    stderr: new MemoryOutput(),
    cwd: () => Deno.cwd(),
  };
}
