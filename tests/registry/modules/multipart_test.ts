import assert from "node:assert/strict";
import fc from "fast-check";
import { boundaryOf, readMultipart } from "../../../src/registry/modules/multipart.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** The bytes in pieces of these lengths, over and over. */
async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + (lengths[turn % lengths.length] ?? 1));
    yield await Promise.resolve(bytes.slice(at, end));
    at = end;
  }
}

async function read(bytes: Uint8Array, boundary: string, lengths: readonly number[]) {
  const parts: { name: string; filename: string | undefined; content: number[] }[] = [];
  await readMultipart(cut(bytes, lengths), boundary, (part) => {
    const content: number[] = [];
    parts.push({ ...part, content });
    return (piece) => void content.push(...piece);
  });
  return parts;
}

Deno.test("any parts, cut anywhere, come out as they went in", async () => {
  const boundary = "b";
  // Contents that are full of what a boundary is made of.
  const content = fc.array(fc.oneof(fc.constantFrom(13, 10, 0x2d, 0x62), fc.nat(255)), {
    maxLength: 60,
  })
    .filter((bytes) => !String.fromCharCode(13, 10, ...bytes).includes("\r\n--b"));
  const part = fc.record({
    name: fc.constantFrom("file", "info", "größe 👋"),
    filename: fc.option(fc.constantFrom("a.wasm", "", 'qu"ote.wasm'), { nil: undefined }),
    content,
  }, { noNullPrototype: true });
  await fc.assert(fc.asyncProperty(
    fc.array(part, { minLength: 1, maxLength: 4 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
    async (parts, lengths) => {
      const bytes: number[] = [];
      for (const { name, filename, content } of parts) {
        const file = filename === undefined
          ? ""
          : `; filename="${filename.replaceAll('"', "%22")}"`;
        const head =
          `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\nX-Other: y\r\n\r\n`;
        bytes.push(...encode(head), ...content, 13, 10);
      }
      bytes.push(...encode(`--${boundary}--\r\n`));
      assert.deepEqual(await read(Uint8Array.from(bytes), boundary, lengths), parts);
    },
  ));
});

Deno.test("any bytes at all are a form or a 400, and never more than was sent", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(fc.constantFrom(..."\r\n--b: form-data;name="), fc.string()), {
      maxLength: 40,
    }),
    async (words) => {
      const bytes = encode(
        "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n" + words.join(""),
      );
      try {
        const parts = await read(bytes, "b", [7]);
        assert(parts.reduce((sum, { content }) => sum + content.length, 0) < bytes.length);
      } catch (error) {
        assert.equal(error instanceof Error && Reflect.get(error, "code"), "BAD_FORM");
      }
    },
  ));
});

Deno.test("a form that is cut, or has too much of something, is refused", async () => {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
  const rows: [string, RegExp][] = [
    ["", /ends early/],
    [head, /ends early/],
    [`${head}content\r\n--b`, /ends early/],
    [`${head}content\r\n--b\r\nX: ${"x".repeat(20_000)}`, /headers of a part have over/],
    [`--b\r\nX-Other: y\r\n\r\n\r\n--b--`, /no Content-Disposition/],
    [`--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--`, /no Content-Disposition/],
    [`--b junk\r\n\r\n--b--`, /followed by text/],
    [`${head}x\r\n`.repeat(101), /over 100 parts/],
  ];
  for (const [text, message] of rows) {
    await assert.rejects(read(encode(text), "b", [100]), message, text.slice(0, 80));
  }
});

Deno.test("the boundary of a form, quoted or not, and of nothing else", () => {
  assert.equal(boundaryOf("multipart/form-data; boundary=abc"), "abc");
  assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b;c"'), "a b;c");
  assert.equal(boundaryOf("multipart/form-data"), undefined);
  assert.equal(boundaryOf("multipart/mixed; boundary=abc"), undefined);
  assert.equal(boundaryOf(""), undefined);
});
