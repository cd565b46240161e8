import { CapsuleError } from "../base/errors.ts";
import { GuestExit } from "../wasi/wasi.ts";
import type { Guest } from "../wasm/guest.ts";

/** The guest stopped in the middle: a panic, a bad memory access, an endless recursion. */
export class TrapError extends CapsuleError {
  constructor(message: string, cause: unknown) {
    super("TRAP", message, { cause });
  }

  /** The guest's functions that were under way, the innermost first, each on a line; empty when the engine told none. */
  get guestStack(): string {
    const stack = this.cause instanceof Error ? this.cause.stack ?? "" : "";
    const frames = stack.split("\n").filter((line) => line.includes("wasm://"));
    return frames.map((line) => `${line}\n`).join("");
  }
}

/** The guest ended itself with an exit code while it handled a call. */
export class ExitError extends CapsuleError {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("EXIT", `the function ended itself with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * What a person is told of something that was thrown through a guest. What is no doing of the guest's is a bug of ours
 * and comes back as it is.
 */
export function explainThrown(thrown: unknown, guest: Guest, handler: string): unknown {
  if (guest.stopped) {
    guest.output.end();
    return guest.stopped;
  }
  if (thrown instanceof GuestExit) {
    guest.output.end();
    return new ExitError(thrown.code);
  }
  if (
    thrown instanceof WebAssembly.RuntimeError || isStackOverflow(thrown) ||
    isGuestException(thrown)
  ) {
    const reason = thrown instanceof Error
      ? thrown.message
      : "an exception that the guest did not catch";
    const panic = guest.output.takePanic() || reason;
    return new TrapError(panic + hint(thrown, panic, handler), thrown);
  }
  guest.output.end();
  return thrown;
}

function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && thrown.message.includes("call stack");
}

function isGuestException(thrown: unknown): boolean {
  const { Exception } = WebAssembly as unknown as { Exception?: new () => unknown };
  return Exception !== undefined && thrown instanceof Exception;
}

/**
 * A module exports both handlers, whichever its author set; the other one calls a nil function. Seen from here that is a
 * nil panic in the handler's own body: between it and the trap stand only functions of Go's runtime.
 */
function hint(thrown: unknown, panic: string, handler: string): string {
  if (
    !(thrown instanceof Error) ||
    !/nil pointer dereference|indirect call to null|table index|null function/.test(
      panic + thrown.message,
    )
  ) {
    return "";
  }
  const frames = (thrown.stack ?? "").split("\n").filter((line) => line.includes("wasm://"));
  const userFrame = frames.findIndex((line) => !/\bat (?:runtime\.|\(?wasm:)/.test(line));
  if (userFrame < 0 || !frames[userFrame]?.includes(`at ${handler} `)) return "";
  const [built, setter] = handler === "callHandle"
    ? ["http", "SetHandleHttp"]
    : ["cli", "SetHandle"];
  return ` (the module was probably built for -mode=${built}: it calls ${setter})`;
}
