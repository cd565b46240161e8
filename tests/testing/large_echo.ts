import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

const mebibyte = 1 << 20;

/** Sends `count` MiB to a server that returns them while they arrive, and checks every byte. */
export async function echoMib(url: string, count: number): Promise<void> {
  const piece = new Uint8Array(mebibyte).map((_, at) => at * 7 + (at >> 9));
  let left = count;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece.slice());
      else controller.close();
    },
  });
  const answer = await fetch(url, { method: "POST", body });
  assert.equal(answer.status, 200);
  let length = 0;
  for await (const bytes of answer.body ?? []) {
    for (let done = 0; done < bytes.length;) {
      const at = (length + done) % mebibyte;
      const part = bytes.subarray(done, done + mebibyte - at);
      const expected = piece.subarray(at, at + part.length);
      assert.equal(Buffer.compare(part, expected), 0, `the bytes from ${length + done}`);
      done += part.length;
    }
    length += bytes.length;
  }
  assert.equal(length, count * mebibyte);
}
