/// <reference lib="deno.worker" />
import { trustAuthorities } from "../base/authorities.ts";
import { messageOf } from "../base/errors.ts";
import type { ProcessOutput } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { type ServedFunction, serveFunction, type ServeOptions } from "./serve_function.ts";
import type { ThreadFigures } from "./served_module.ts";

/** A message of the main thread to a worker. */
export type ToThread =
  | { kind: "serve"; serving: ServeOptions }
  | { kind: "figures?" }
  | { kind: "metrics"; id: number; metrics: unknown }
  | { kind: "stop"; graceMs: number };

/** A message of a worker to the main thread. */
export type FromThread =
  | { kind: "ready" | "stopped" }
  | { kind: "failed"; message: string }
  | { kind: "output"; stream: "stdout" | "stderr"; bytes: Uint8Array }
  | { kind: "log"; level: "info" | "warn" | "error"; sentence: string }
  | { kind: "figures"; figures: ThreadFigures }
  | { kind: "metrics?"; id: number };

/** The global scope of a worker, as far as it is used here. */
interface Scope {
  postMessage(message: FromThread): void;
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
}

const scope = self as unknown as Scope;
const asked = new Map<number, (metrics: unknown) => void>();
let lastId = 0;
let served: ServedFunction | undefined;
let hasStarted = false;

function output(stream: "stdout" | "stderr"): ProcessOutput {
  const encoder = new TextEncoder();
  const write = (bytes: Uint8Array | string) => {
    const copy = typeof bytes === "string" ? encoder.encode(bytes) : bytes.slice();
    scope.postMessage({ kind: "output", stream, bytes: copy });
  };
  const writeSome = (bytes: Uint8Array) => {
    write(bytes);
    return bytes.length;
  };
  return { isTerminal: () => false, write, writeSome };
}

/** The main thread has logged the messages of the start already. */
function line(level: "info" | "warn" | "error") {
  return (sentence: string) => {
    if (hasStarted) scope.postMessage({ kind: "log", level, sentence });
  };
}

const log: Log = { event: () => {}, info: line("info"), warn: line("warn"), error: line("error") };
const io = {
  args: [],
  env: Deno.env,
  stdin: { read: () => Promise.resolve(null), isTerminal: () => false },
  stdout: output("stdout"),
  stderr: output("stderr"),
  cwd: Deno.cwd,
};

function metrics(): Promise<unknown> {
  const id = ++lastId;
  return new Promise((resolve) => {
    asked.set(id, resolve);
    scope.postMessage({ kind: "metrics?", id });
  });
}

scope.onmessage = async ({ data }) => {
  try {
    switch (data.kind) {
      case "serve": {
        const { ca } = data.serving.options;
        if (ca !== undefined) await trustAuthorities(ca);
        served = await serveFunction({ ...data.serving, reusePort: "join", metrics }, { io, log });
        hasStarted = true;
        // A server that cannot accept connections any more is replaced.
        served.finished.catch(failed);
        return scope.postMessage({ kind: "ready" });
      }
      case "figures?":
        if (served) scope.postMessage({ kind: "figures", figures: served.figures() });
        return;
      case "metrics":
        asked.get(data.id)?.(data.metrics);
        asked.delete(data.id);
        return;
      case "stop":
        await served?.stop(data.graceMs);
        await served?.close();
        return scope.postMessage({ kind: "stopped" });
    }
  } catch (error) {
    failed(error);
  }
};

function failed(error: unknown): void {
  scope.postMessage({ kind: "failed", message: messageOf(error) });
}
