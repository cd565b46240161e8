import type { Value } from "../../component/abi/codec.ts";
import type { SharedStream } from "../../component/async/shared_copies.ts";
import { FileError } from "../../files/file_error.ts";
import { toDatetime } from "../p2/clocks.ts";
import {
  attemptWith,
  DescriptorFlags,
  descriptorFunctions,
  type DescriptorResource,
  descriptorTypes,
  directory,
  errorCodeOf,
  file,
  FileInput,
  FileOutput,
  type FileValues,
  listDirectory,
  offsetOf,
} from "../p2/filesystem.ts";
import { err, ok, type P2Interface } from "../p2/state.ts";
import type { IoError } from "../p2/stream_end.ts";
import type { P3Context } from "./context.ts";
import {
  drainInto,
  emptyStream,
  hostFuture,
  resolvedFuture,
  streamOf,
  streamOfReady,
} from "./copies.ts";

const other = { tag: "other", value: undefined };

/** The values of 0.3. */
const values: FileValues = {
  // 0.3 has no case for an operation that would block.
  error: (label) => label === "would-block" ? other : { tag: label },
  type: (kind) => kind === "unknown" ? other : { tag: descriptorTypes[kind] },
  time: toDatetime,
};

const attempt = attemptWith(values);

/** The result of a stream of a file. */
function resultOf(error: IoError | undefined): Value {
  if (!error) return ok();
  const { cause } = error;
  return err(values.error(cause instanceof FileError ? errorCodeOf(cause) : "io"));
}

/** `wasi:filesystem/types` */
export function filesystemInterface({ state, tasks }: P3Context): P2Interface {
  const { read, write } = DescriptorFlags;

  /** Opens something to read. Returns its stream, and the future of how the stream ends. */
  const reading = (open: () => [SharedStream, Value]): Value => {
    const opened: { streams?: [SharedStream, Value] } = {};
    const result = attempt(() => void (opened.streams = open()));
    return opened.streams ?? [emptyStream(), resolvedFuture(result)];
  };

  /** Writes a stream to a file. Returns the future of the outcome. */
  const writing = (data: SharedStream, open: () => FileOutput): Value => {
    const { future, resolve } = hostFuture();
    const result = attempt(() => {
      const output = open();
      drainInto(tasks, data, output, (end) => {
        output.close();
        resolve(resultOf(end?.error));
      });
    }) as { tag: string };
    if (result.tag === "ok") return future;
    data.drop();
    return resolvedFuture(result);
  };

  return {
    functions: {
      ...descriptorFunctions(state, values),
      // read-via-stream: func(offset: filesize) -> tuple<stream<u8>, future<result<_, error-code>>>
      "[method]descriptor.read-via-stream": (self: DescriptorResource, offset: bigint) =>
        reading(() => {
          const input = new FileInput(file(self, read), offsetOf(offset));
          const { future, resolve } = hostFuture();
          return [streamOfReady(input, (error) => resolve(resultOf(error))), future];
        }),
      // write-via-stream: func(data: stream<u8>, offset: filesize) -> future<result<_, error-code>>
      "[method]descriptor.write-via-stream": (
        self: DescriptorResource,
        data: SharedStream,
        offset: bigint,
      ) => writing(data, () => new FileOutput(state, file(self, write), offsetOf(offset))),
      // append-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>
      "[method]descriptor.append-via-stream": (self: DescriptorResource, data: SharedStream) =>
        writing(data, () => new FileOutput(state, file(self, write), "end")),
      // read-directory: func()
      //   -> tuple<stream<directory-entry>, future<result<_, error-code>>>
      "[method]descriptor.read-directory": (self: DescriptorResource) =>
        reading(() => [
          streamOf(listDirectory(state, directory(self), values)),
          resolvedFuture(ok()),
        ]),
    },
    drops: { descriptor: (rep: DescriptorResource) => rep.release(rep) },
  };
}
