import type { Output } from "../base/io.ts";

/** A progress bar for a transfer. */
export interface ProgressBar {
  /** Draws the bar anew. @param totalBytes `undefined` if the size is unknown. */
  start(totalBytes: number | undefined): void;
  add(bytes: number): void;
  stop(): void;
}

/** The used part of `cli-progress`, which has no types of its own. */
interface CliProgress {
  SingleBar: new (options: Record<string, unknown>) => SingleBar;
}
interface SingleBar {
  start(total: number, value: number, payload: Record<string, string>): void;
  increment(step: number, payload: Record<string, string>): void;
  stop(): void;
}

/** Returns a progress bar on a terminal, and one that draws nothing elsewhere. */
export async function progressBar(stderr: Output, label: string): Promise<ProgressBar> {
  if (!stderr.isTerminal()) return { start() {}, add() {}, stop() {} };
  const module: { default: CliProgress } = await import("cli-progress");
  let bar: SingleBar | undefined;
  let seen = 0;
  return {
    start(totalBytes) {
      seen = 0;
      bar?.stop();
      bar = new module.default.SingleBar({
        format: totalBytes === undefined
          ? `${label} {seen}`
          : `${label} [{bar}] {percentage}% {seen}`,
        stream: nodeStream(stderr),
        hideCursor: true,
      });
      bar.start(totalBytes ?? 0, 0, { seen: formatSize(0) });
    },
    add(bytes) {
      seen += bytes;
      bar?.increment(bytes, { seen: formatSize(seen) });
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** Wraps an output as the part of a Node stream that the bar uses. */
function nodeStream(stderr: Output): Record<string, unknown> {
  return { isTTY: true, columns: columns(), write: (text: string) => stderr.write(text) };
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

function formatSize(bytes: number): string {
  return bytes < 1024 * 1024
    ? `${Math.ceil(bytes / 1024)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
