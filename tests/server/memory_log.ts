import { createLog, type Log, type LogFormat } from "../../src/base/log.ts";

/** A log whose two streams are kept as text. */
export function memoryLog(
  format: LogFormat = "text",
): { log: Log; stdout: () => string; stderr: () => string } {
  const text = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (bytes: Uint8Array | string) => {
      text[name] += typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
    },
    isTerminal: () => false,
  });
  const log = createLog(format, { stdout: stream("stdout"), stderr: stream("stderr") });
  return { log, stdout: () => text.stdout, stderr: () => text.stderr };
}
