import { StreamEnd } from "./stream_end.ts";
import type { P2Interface, P2State } from "./state.ts";

/** Most bytes of a message; the rest is left out. */
const maxMessageBytes = 1 << 20;

/** `wasi:logging/logging`: lines `level context: message` on standard error. */
export function loggingInterface(state: P2State): P2Interface {
  return {
    functions: {
      // log: func(level: level, context: string, message: string)
      "log": (level: string, context: string, message: string) => {
        const place = context === "" ? level : `${level} ${context}`;
        const line = `${place}: ${message}`.slice(0, maxMessageBytes);
        try {
          state.stderr().write(new TextEncoder().encode(`${line}\n`));
        } catch (error) {
          // Without a reader of standard error the line is lost.
          if (!(error instanceof StreamEnd)) throw error;
        }
      },
    },
  };
}
