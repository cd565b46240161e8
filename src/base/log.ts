import { type Output, writeOrDrop } from "./io.ts";
import { printable } from "./printable.ts";

/** Fields of a log line in JSON. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** The launcher's log. A guest's `Log` goes to standard output, unchanged. */
export interface Log {
  /**
   * Logs a state that programs wait for (`ready`, `draining`): as JSON on standard output, as text
   * on standard error.
   */
  event(event: string, sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
}

/** The form of the launcher's log: sentences for people, or one JSON object a line. */
export type LogFormat = "text" | "json";

/**
 * Returns a log that writes each line with one call, so that lines of several threads do not mix.
 *
 * Text: `warning: …` and `error: …` have their level, other lines have none; control characters are
 * escaped, as a sentence may quote a module or a request. JSON: events are
 * `{"event":"ready",…}` on stdout, all else `{"level":"warn","message":"…",…}` on stderr.
 */
export function createLog(format: LogFormat, streams: { stdout: Output; stderr: Output }): Log {
  const line = (level: "info" | "warn" | "error") => (sentence: string, fields?: LogFields) => {
    if (format === "json") {
      streams.stderr.write(JSON.stringify({ level, message: sentence, ...fields }) + "\n");
      return;
    }
    const prefix = level === "info" ? "" : level === "warn" ? "warning: " : "error: ";
    streams.stderr.write(`${prefix}${printable(sentence)}\n`);
  };
  return {
    event(event, sentence, fields) {
      if (format === "json") {
        writeOrDrop(streams.stdout, JSON.stringify({ event, ...fields }) + "\n");
      } else streams.stderr.write(printable(sentence) + "\n");
    },
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}

/**
 * Returns a function that formats a line of a guest's output for the log: `name: line`, or a JSON
 * object. Lines include their end.
 */
export function guestLine(format: LogFormat, name: string): (line: Uint8Array) => Uint8Array {
  if (format === "json") {
    return (line) => {
      const message = new TextDecoder().decode(line).replace(/\r?\n$/, "");
      return new TextEncoder().encode(
        JSON.stringify({ level: "info", function: name, message }) + "\n",
      );
    };
  }
  const prefix = new TextEncoder().encode(`${name}: `);
  return (line) => {
    const formed = new Uint8Array(prefix.length + line.length);
    formed.set(prefix);
    formed.set(line, prefix.length);
    return formed;
  };
}

/** Returns the line that reports dropped output of guests, with its line end. */
export function droppedLine(format: LogFormat, bytes: number): string {
  const message = `${bytes} bytes of output were dropped, as they were not read fast enough`;
  if (format === "json") return JSON.stringify({ level: "warn", message, bytes }) + "\n";
  return `warning: ${message}\n`;
}
