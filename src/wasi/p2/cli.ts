import { makeUncatchable } from "../../wasm/jspi.ts";
import type { P2Interface, P2State } from "./state.ts";

/** Thrown through a guest that called `exit`, which no guest catches. */
export class ComponentExit {
  /** The exit code. */
  readonly code: number = 0;

  private constructor() {}

  static create(code: number): ComponentExit {
    return Object.assign(Object.setPrototypeOf(makeUncatchable(), ComponentExit.prototype), {
      code,
    });
  }
}

/** `wasi:cli/environment` */
export function environmentInterface(state: P2State): P2Interface {
  return {
    functions: {
      // get-environment: func() -> list<tuple<string, string>>
      "get-environment": () => state.env,
      // get-arguments: func() -> list<string>
      "get-arguments": () => state.args,
      // initial-cwd: func() -> option<string>
      "initial-cwd": () => undefined,
    },
  };
}

/** `wasi:cli/exit` */
export const exitInterface: P2Interface = {
  functions: {
    // exit: func(status: result)
    "exit": (status: { tag: "ok" | "error" }) => {
      throw ComponentExit.create(status.tag === "ok" ? 0 : 1);
    },
    // exit-with-code: func(status-code: u8)
    "exit-with-code": (code: number) => {
      throw ComponentExit.create(code);
    },
  },
};

/** `wasi:cli/stdin`, `stdout` and `stderr` */
export function standardStreamInterfaces(
  state: P2State,
): Readonly<Record<"stdin" | "stdout" | "stderr", P2Interface>> {
  return {
    // get-stdin: func() -> input-stream
    stdin: { functions: { "get-stdin": () => state.stdin() } },
    // get-stdout: func() -> output-stream
    stdout: { functions: { "get-stdout": () => state.stdout() } },
    // get-stderr: func() -> output-stream
    stderr: { functions: { "get-stderr": () => state.stderr() } },
  };
}

/** `wasi:cli/terminal-stdin`, `terminal-stdout` and `terminal-stderr` */
export function terminalInterfaces(
  { terminals }: P2State,
): Readonly<Record<"terminal-stdin" | "terminal-stdout" | "terminal-stderr", P2Interface>> {
  const get = (isTerminal: boolean) => () => isTerminal ? {} : undefined;
  return {
    // get-terminal-stdin: func() -> option<terminal-input>
    "terminal-stdin": { functions: { "get-terminal-stdin": get(terminals.stdin) } },
    // get-terminal-stdout: func() -> option<terminal-output>
    "terminal-stdout": { functions: { "get-terminal-stdout": get(terminals.stdout) } },
    // get-terminal-stderr: func() -> option<terminal-output>
    "terminal-stderr": { functions: { "get-terminal-stderr": get(terminals.stderr) } },
  };
}
