import type { SharedStream } from "../../component/async/shared_copies.ts";
import { environmentInterface as environmentOf02 } from "../p2/cli.ts";
import { err, ok, type P2Interface } from "../p2/state.ts";
import type { StreamEnd } from "../p2/stream_end.ts";
import type { OutputStream } from "../p2/stream_types.ts";
import type { P3Context } from "./context.ts";
import { drainInto, hostFuture, streamFrom } from "./copies.ts";

/** `wasi:cli/environment` */
export function environmentInterface({ state }: P3Context): P2Interface {
  const { functions } = environmentOf02(state);
  return {
    functions: {
      ...functions,
      // get-initial-cwd: func() -> option<string>
      "get-initial-cwd": () => undefined,
    },
  };
}

/** `wasi:cli/stdin` */
export function stdinInterface({ state, tasks }: P3Context): P2Interface {
  return {
    functions: {
      // read-via-stream: func() -> tuple<stream<u8>, future<result<_, error-code>>>
      "read-via-stream": () => {
        const { future, resolve } = hostFuture();
        const stream = streamFrom(
          tasks,
          state.stdin(),
          (error) => resolve(error ? err("io") : ok()),
        );
        return [stream, future];
      },
    },
  };
}

/** `wasi:cli/stdout` and `stderr` */
export function outputInterface(
  { tasks }: P3Context,
  open: () => OutputStream,
): P2Interface {
  return {
    functions: {
      // write-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>
      "write-via-stream": (data: SharedStream) => {
        const { future, resolve } = hostFuture();
        const end = (end?: StreamEnd) =>
          resolve(end ? err(end.error === undefined ? "pipe" : "io") : ok());
        drainInto(tasks, data, open(), end);
        return future;
      },
    },
  };
}
