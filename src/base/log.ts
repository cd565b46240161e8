import { type Output, writeOrLose } from "./io.ts";

/** Values that go with a log line, as they stand in its JSON form. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** The launcher's own log: what it says of itself. What a guest says with `Log` goes to standard output as it is. */
export interface Log {
  /** A state that programs wait for (`ready`, `draining`): on standard output with `-log=json`, a sentence on stderr otherwise. */
  event(event: string, sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
}

/** How the launcher writes its log: sentences for people, or one JSON object a line. */
export type LogFormat = "text" | "json";

/**
 * A log that writes to the given streams, each line with one call, so that lines of several threads do not mix.
 *
 * Text: `warning: …` and `error: …` carry their level, other lines do not. JSON: events are
 * `{"event":"ready",…}` on stdout; the rest are `{"level":"warn","message":"…",…}` on stderr.
 */
export function createLog(format: LogFormat, streams: { stdout: Output; stderr: Output }): Log {
  const line = (level: "info" | "warn" | "error") => (sentence: string, fields?: LogFields) => {
    if (format === "json") {
      streams.stderr.write(JSON.stringify({ level, message: sentence, ...fields }) + "\n");
      return;
    }
    const prefix = level === "info" ? "" : level === "warn" ? "warning: " : "error: ";
    streams.stderr.write(`${prefix}${sentence}\n`);
  };
  return {
    event(event, sentence, fields) {
      if (format === "json") {
        writeOrLose(streams.stdout, JSON.stringify({ event, ...fields }) + "\n");
      } else streams.stderr.write(sentence + "\n");
    },
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}

/**
 * How a line that a guest printed by itself stands in the log: `name: line`, or a JSON object. Takes and gives the line
 * with its end.
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
