import type { Output } from "../base/io.ts";

/** How far a download is, for somebody who watches. */
export interface ProgressBar {
  start(totalBytes: number | undefined): void;
  add(bytes: number): void;
  stop(): void;
}

/** What is used of `cli-progress`, which brings no types of its own. */
interface SingleBar {
  start(total: number, value: number, payload: Record<string, string>): void;
  increment(step: number, payload: Record<string, string>): void;
  stop(): void;
}
interface CliProgress {
  SingleBar: new (options: Record<string, unknown>) => SingleBar;
}

/** A bar on a terminal, nothing elsewhere. */
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
        stream: terminal(stderr),
        hideCursor: true,
      });
      bar.start(totalBytes ?? 0, 0, { seen: size(0) });
    },
    add(bytes) {
      seen += bytes;
      bar?.increment(bytes, { seen: size(seen) });
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** As much of a Node stream as the bar needs. */
function terminal(stderr: Output): Record<string, unknown> {
  const columns = () => {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 80;
    }
  };
  return { isTTY: true, columns: columns(), write: (text: string) => stderr.write(text) };
}

const size = (bytes: number): string =>
  bytes < 1024 * 1024
    ? `${Math.ceil(bytes / 1024)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
