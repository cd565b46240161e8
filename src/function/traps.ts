import { CapsuleError } from "../base/errors.ts";
import { GuestExit } from "../wasi/wasi.ts";
import type { Guest } from "../wasm/guest.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import { isGuestException } from "../wasm/jspi.ts";
import { formatStack, guestFrames } from "./guest_stack.ts";
import { sourceOffsets } from "./source_offsets.ts";

/** The guest trapped: a panic, a memory access out of bounds, an endless recursion. */
export class TrapError extends CapsuleError {
  readonly #blueprint: Blueprint | undefined;

  /** @param blueprint the module; undefined for a component, whose offsets are not shown. */
  constructor(message: string, cause: unknown, blueprint: Blueprint | undefined) {
    super("TRAP", message, { cause });
    this.#blueprint = blueprint;
  }

  /** The guest's stack, one frame per line, the user's functions first; empty without a stack. */
  get guestStack(): string {
    const toSource = this.#blueprint && sourceOffsets(this.#blueprint);
    return formatStack(guestFrames(this.#stack, toSource));
  }

  /** The message and the innermost functions of the user, for a line in the log. */
  get logMessage(): string {
    const names = guestFrames(this.#stack).filter(({ isRuntime }) => !isRuntime).slice(
      0,
      maxLoggedFrames,
    )
      .map(({ name }) => name);
    return names.length === 0 ? this.message : `${this.message} (in ${names.join(" < ")})`;
  }

  get #stack(): string {
    return this.cause instanceof Error ? this.cause.stack ?? "" : "";
  }
}

const maxLoggedFrames = 5;

/** The guest called `proc_exit` during a call. */
export class ExitError extends CapsuleError {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("EXIT", `the function ended itself with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * Maps anything thrown through a guest to the error of its call. An error that is not the guest's
 * is a bug of Capsule and returned unchanged.
 *
 * The message of a trap is that of the function's panic. A program's output is the user's: nothing
 * is taken out of it, and the message is the engine's reason.
 */
export function explainThrown(
  thrown: unknown,
  guest: Guest,
  called: { readonly blueprint: Blueprint; readonly handler: string } | "component",
): unknown {
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
    const blueprint = called === "component" ? undefined : called.blueprint;
    if (called === "component" || called.blueprint.kind === "command") {
      guest.output.end();
      return new TrapError(reason, thrown, blueprint);
    }
    const panic = guest.output.takePanic() ?? reason;
    return new TrapError(panic + hint(thrown, panic, called.handler), thrown, blueprint);
  }
  guest.output.end();
  return thrown;
}

function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && thrown.message.includes("call stack");
}

/**
 * Returns a hint if the module was built for the other mode. Every module exports both handlers,
 * and the one that its author did not set calls a nil function: a nil panic in the handler's own
 * body, with only functions of Go's runtime between it and the trap.
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
  const frames = guestFrames(thrown.stack ?? "");
  const userFrame = frames.find(({ name }) => !/^runtime\.|^<anonymous>$/.test(name));
  if (userFrame?.name !== handler) return "";
  const [built, setter] = handler === "callHandle"
    ? ["http", "SetHandleHttp"]
    : ["cli", "SetHandle"];
  return ` (the module was probably built for -mode=${built}: it calls ${setter})`;
}
