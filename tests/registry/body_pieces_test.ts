import assert from "node:assert/strict";
import { bodyPieces } from "../../src/registry/body_pieces.ts";
import { checkBodyTimeouts } from "../../src/server/body_timeout.ts";

/** Collects the pieces, with the timer that a server has. */
async function collect(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  allowanceMs?: number,
) {
  const timer = setInterval(checkBodyTimeouts, 5);
  const seen: number[] = [];
  const pieces = (async () => {
    for await (const piece of bodyPieces({ body }, allowanceMs)) seen.push(...piece);
  })();
  const error = await pieces.then(() => undefined, (error: unknown) => error);
  clearInterval(timer);
  return { seen, error };
}

const streamOf = (source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>) =>
  new ReadableStream(source);

Deno.test("bodyPieces: yields every piece of a body", async () => {
  const body = ReadableStream.from([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  assert.deepEqual(await collect(body), { seen: [1, 2, 3], error: undefined });
  assert.deepEqual(await collect(null), { seen: [], error: undefined });
});

Deno.test("bodyPieces: gives up on an idle body after the pieces that arrived", async () => {
  const body = streamOf({ start: (controller) => controller.enqueue(Uint8Array.of(1)) });
  const { seen, error } = await collect(body, 5);
  assert.deepEqual(seen, [1]);
  assert(error instanceof Error);
  assert.deepEqual([Reflect.get(error, "status"), Reflect.get(error, "code")], [
    408,
    "BODY_TIMEOUT",
  ]);
});

Deno.test("bodyPieces: reports a broken connection as BODY_CUT", async () => {
  const body = streamOf({ start: (controller) => controller.error(new TypeError("reset")) });
  const { error } = await collect(body);
  assert(error instanceof Error);
  assert.deepEqual([Reflect.get(error, "status"), Reflect.get(error, "code")], [400, "BODY_CUT"]);
});

Deno.test("bodyPieces: leaves the rest of the body readable when the caller stops early", async () => {
  const body = ReadableStream.from([Uint8Array.of(1), Uint8Array.of(2)]);
  for await (const piece of bodyPieces({ body })) {
    assert.deepEqual(Array.from(piece), [1]);
    break;
  }
  assert.deepEqual(await Array.fromAsync(body, (piece) => piece[0]), [2]);
});
