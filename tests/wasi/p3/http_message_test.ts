import assert from "node:assert/strict";
import { Fields } from "../../../src/wasi/p2/fields.ts";
import { BytesInput } from "../../../src/wasi/p2/stream_sources.ts";
import { IncomingBody, type TrailersResult } from "../../../src/wasi/p2/http_types.ts";
import { hostFuture, readFuture } from "../../../src/wasi/p3/copies.ts";
import { HttpMessage } from "../../../src/wasi/p3/http_message.ts";

/** Returns the stream and the trailers of a message, and the number of reads of the trailers. */
function consumed() {
  let reads = 0;
  const trailers = () => {
    reads++;
    return Promise.resolve<TrailersResult>({ tag: "ok", value: undefined });
  };
  const body = new IncomingBody(() => new BytesInput(new Uint8Array(10)), trailers);
  const tasks = {
    add: <T>(work: Promise<T>, apply: (value: T) => void) => {
      void work.then(apply);
      return { cancel: () => {} };
    },
  };
  const message = new HttpMessage(new Fields().frozen(), { kind: "host", body }, tasks);
  const [stream, future] = message.consume(hostFuture().future);
  return { stream, future, reads: () => reads };
}

Deno.test("http message: the rest of a dropped body is read only for its trailers", async () => {
  const { stream, future, reads } = consumed();
  stream.drop();
  assert.equal(reads(), 0);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  readFuture(future, resolve);
  assert.deepEqual(await promise, { tag: "ok", value: undefined });
  assert.equal(reads(), 1);
});

Deno.test("http message: trailers that are read first wait for the end of the body", async () => {
  const { stream, future, reads } = consumed();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  readFuture(future, resolve);
  assert.equal(reads(), 0);
  stream.drop();
  assert.deepEqual(await promise, { tag: "ok", value: undefined });
  assert.equal(reads(), 1);
});
