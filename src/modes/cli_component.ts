import type { Context } from "../base/context.ts";
import { type ComponentRunnerOptions, openComponent } from "../runner/open_component.ts";
import { ChunkInput, FunctionOutput } from "../wasi/p2/stream_sources.ts";

const chunkBytes = 65_536;

/** Runs a component's `wasi:cli/run` on the streams of the process and returns its exit code. */
export async function runComponent(
  running: ComponentRunnerOptions,
  context: Context,
): Promise<number> {
  const { stdin, stdout, stderr } = context.io;
  const input = new ChunkInput({
    next: async () => {
      const buffer = new Uint8Array(chunkBytes);
      const count = await stdin.read(buffer);
      return count === null ? undefined : buffer.subarray(0, count);
    },
    cancel: () => {},
  });
  const { callee, close } = await openComponent({
    ...running,
    streams: () => ({
      stdin: () => input,
      stdout: () => new FunctionOutput((bytes) => writeAll(stdout, bytes)),
      stderr: () => new FunctionOutput((bytes) => writeAll(stderr, bytes)),
      terminals: {
        stdin: stdin.isTerminal(),
        stdout: stdout.isTerminal(),
        stderr: stderr.isTerminal(),
      },
    }),
  }, context);
  try {
    const result = await callee.callAwaitable({
      runAwaitable: (instance) => instance.entry.callAwaitable([]),
    });
    return (result as { tag: string }).tag === "ok" ? 0 : 1;
  } finally {
    await close();
  }
}

function writeAll(
  output: Context["io"]["stdout"],
  bytes: Uint8Array,
): void {
  output.write(bytes);
}
