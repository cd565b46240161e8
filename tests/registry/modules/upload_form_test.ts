import assert from "node:assert/strict";
import fc from "fast-check";
import { readUploadForm } from "../../../src/registry/modules/upload_form.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';

/** Yields bytes in pieces of these lengths, in rotation. */
async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + (lengths[turn % lengths.length] ?? 1));
    yield await Promise.resolve(bytes.slice(at, end));
    at = end;
  }
}

/** Reads a form that comes in pieces of these lengths. */
async function read(
  bytes: Uint8Array,
  { lengths = [100], type = "multipart/form-data; boundary=b", maxBytes = 1000 }: {
    lengths?: readonly number[];
    type?: string;
    maxBytes?: number;
  } = {},
) {
  const content: number[] = [];
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": type },
    body: ReadableStream.from(cut(bytes, lengths)),
  });
  const writer = {
    write(piece: Uint8Array) {
      content.push(...piece);
      return Promise.resolve();
    },
  };
  return { ...await readUploadForm(request, { writer, maxBytes }), content };
}

Deno.test("readUploadForm: reads any file and info, however their bytes are cut", async () => {
  // The characters of a boundary are frequent.
  const content = fc.array(fc.oneof(fc.constantFrom(13, 10, 0x2d, 0x62), fc.nat(255)), {
    maxLength: 60,
  }).filter((bytes) => !String.fromCharCode(13, 10, ...bytes).includes("\r\n--b"));
  await fc.assert(fc.asyncProperty(
    fc.record({
      filename: fc.constantFrom("a.wasm", "größe 👋.wasm", 'qu\\"ote.wasm', "C:\\x\\y.wasm"),
      info: fc.constantFrom("", "größe 👋", "a\r\nb"),
      other: fc.boolean(),
      content,
    }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
    async ({ filename, info, other, content }, lengths) => {
      const part = (field: string, bytes: Iterable<number>) => [
        ...encode(`--b\r\ncontent-disposition: form-data; ${field}\r\nX-Other: y\r\n\r\n`),
        ...bytes,
        13,
        10,
      ];
      const bytes = Uint8Array.from([
        ...other ? part('name="other"; filename="x"', [1, 2, 3]) : [],
        ...part(`name="file"; filename="${filename}"`, content),
        ...part('name="info"', encode(info)),
        ...encode("--b--\r\n"),
      ]);
      assert.deepEqual(await read(bytes, { lengths }), {
        filename: filename.replace('\\"', '"').replace("C:\\x\\", ""),
        info,
        content,
      });
    },
  ));
});

Deno.test("readUploadForm: any bytes are a form or BAD_FORM, and never more than was sent", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(fc.constantFrom(..."\r\n--b: form-data;name="), fc.string()), {
      maxLength: 40,
    }),
    async (words) => {
      const bytes = encode(head + words.join(""));
      try {
        const { content } = await read(bytes, { lengths: [7] });
        assert(content.length < bytes.length);
      } catch (error) {
        assert.equal(error instanceof Error && Reflect.get(error, "code"), "BAD_FORM");
      }
    },
  ));
});

Deno.test("readUploadForm: refuses a form that is cut, or has too much of something", async () => {
  const info = '--b\r\nContent-Disposition: form-data; name="info"\r\n\r\n';
  const rows: [string, number, string, RegExp][] = [
    ["", 400, "BAD_FORM", /end/],
    [head, 400, "BAD_FORM", /end/],
    [`${head}content\r\n--b`, 400, "BAD_FORM", /end/],
    [`${head}content\r\n--b\r\nX: ${"x".repeat(20_000)}`, 400, "BAD_FORM", /Malformed part header/],
    [`--b\r\nX-Other: y\r\n\r\n\r\n--b--`, 400, "BAD_FORM", /no file/],
    [`--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--`, 400, "BAD_FORM", /no file/],
    [`--b\r\nX: ${"x".repeat(20_000)}\r\n${head.slice(5)}x\r\n--b--`, 400, "BAD_FORM", /Malformed/],
    [`${head}content\r\n--b junk\r\n\r\nx`, 400, "BAD_FORM", /end/],
    [`${info.repeat(2)}\r\n--b--`, 400, "BAD_FORM", /no file/],
    [`${info}1\r\n${info}2\r\n--b--`, 400, "BAD_FORM", /two fields called "info"/],
    [`${head}1\r\n${head}2\r\n--b--`, 400, "BAD_FORM", /two files called "file"/],
    [`${info.replace("info", "file")}1\r\n--b--`, 400, "BAD_FORM", /"file" is a text/],
    [`${info.replace("info", "x")}1\r\n`.repeat(101), 400, "BAD_FORM", /over 100 parts/],
    [`${head}${"x".repeat(1001)}\r\n--b--`, 413, "MODULE_TOO_LARGE", /at most 1000 bytes/],
    [`${info}${"x".repeat(65_537)}\r\n--b--`, 413, "INFO_TOO_LARGE", /at most 65536 bytes/],
  ];
  for (const [text, status, code, message] of rows) {
    await assert.rejects(read(encode(text)), { status, code, message }, text.slice(0, 80));
  }
});

Deno.test("readUploadForm: takes a quoted boundary, and no other type than a form's", async () => {
  const body = encode(`${head}x\r\n--b--`);
  const good = [
    "Multipart/Form-Data; charset=utf-8; Boundary=b",
    'multipart/form-data;boundary="b"',
  ];
  for (const type of good) assert.equal((await read(body, { type })).filename, "a", type);
  const bad = ["", "multipart/form-data", "multipart/mixed; boundary=b", "multipart/form-database"];
  for (const type of [...bad, "application/x-www-form-urlencoded"]) {
    await assert.rejects(read(body, { type }), { code: "BAD_FORM" }, type);
  }
});

Deno.test("readUploadForm: ends with the writer's error, after its last write", async () => {
  let writes = 0;
  const failure = new Error("disk");
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": "multipart/form-data; boundary=b" },
    body: ReadableStream.from(cut(encode(`${head}${"x".repeat(5000)}\r\n--b--`), [100])),
  });
  const writer = {
    async write() {
      writes += 1;
      await Promise.resolve();
      throw failure;
    },
  };
  await assert.rejects(
    readUploadForm(request, { writer, maxBytes: 10_000 }),
    (error) => error === failure,
  );
  assert.equal(writes, 1);
});

Deno.test("readUploadForm: ends with BODY_CUT when the connection breaks inside the file", async () => {
  const written = Promise.withResolvers<void>();
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": "multipart/form-data; boundary=b" },
    body: new ReadableStream({
      start: (controller) => controller.enqueue(encode(`${head}${"x".repeat(100)}`)),
      pull: async (controller) => {
        await written.promise;
        controller.error(new Error("reset"));
      },
    }),
  });
  const writer = { write: () => Promise.resolve(written.resolve()) };
  await assert.rejects(readUploadForm(request, { writer, maxBytes: 1000 }), { code: "BODY_CUT" });
});
