import assert from "node:assert/strict";
import { ArchiveError, moduleInArchive } from "../../src/oci/module_in_archive.ts";

const module = crypto.getRandomValues(new Uint8Array(50_000));
const long = `${"a-folder-with-a-long-name/".repeat(12)}größe 👋.wasm`;

/** Options of an archive that `tar` makes. */
interface Archive {
  args?: string[];
  files: Record<string, Uint8Array>;
}

/** Makes an archive with the system's `tar`. */
async function tar({ args = [], files }: Archive): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-tar-" });
  try {
    for (const [name, bytes] of Object.entries(files)) {
      const parent = `${folder}/${name}`.replace(/\/[^/]*$/, "");
      await Deno.mkdir(parent, { recursive: true });
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    const names = Object.keys(files);
    const command = new Deno.Command("tar", { args: [...args, "-c", ...names], cwd: folder });
    const { stdout, success } = await command.output();
    assert(success);
    return stdout;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* pieces(bytes: Uint8Array<ArrayBuffer>, length = 1000) {
  for (let at = 0; at < bytes.length; at += length) {
    yield await Promise.resolve(bytes.subarray(at, at + length));
  }
}

async function find(
  bytes: Uint8Array<ArrayBuffer>,
  { isGzip = false, length, maxBytes = 100_000 }: {
    isGzip?: boolean;
    length?: number;
    maxBytes?: number;
  } = {},
) {
  const found: number[] = [];
  const take = async (content: AsyncIterable<Uint8Array>) => {
    for await (const piece of content) found.push(...piece);
  };
  const count = await moduleInArchive(pieces(bytes, length), { isGzip, maxBytes, take });
  return { count, bytes: Uint8Array.from(found) };
}

for (const format of ["gnu", "pax", "ustar", "v7"]) {
  Deno.test(`moduleInArchive: finds the module of a ${format} archive`, {
    ignore: Deno.build.os === "windows",
  }, async () => {
    const hasLongNames = format === "gnu" || format === "pax";
    const name = hasLongNames ? long : "app/größe 👋.wasm";
    const files = { "etc/large.txt": new Uint8Array(200_000), [name]: module, "z.txt": module };
    const bytes = await tar({ args: [`--format=${format}`], files });
    for (const length of [bytes.length, 511, 7]) {
      assert.deepEqual(await find(bytes, { length }), { count: 1, bytes: module }, `${length}`);
    }
    const gzip = await tar({ args: [`--format=${format}`, "-z"], files });
    assert.deepEqual(await find(gzip, { isGzip: true }), { count: 1, bytes: module });
  });
}

Deno.test("moduleInArchive: counts no module, an empty one, and several", async () => {
  assert.deepEqual(await find(await tar({ files: { "a.txt": module } })), {
    count: 0,
    bytes: new Uint8Array(),
  });
  assert.equal((await find(await tar({ files: { "a.wasm": new Uint8Array() } }))).count, 1);
  const two = await tar({ files: { "a.wasm": module, "b.wasm": module } });
  assert.equal((await find(two)).count, 2);
});

Deno.test("moduleInArchive: refuses what is cut, damaged or too large", async () => {
  const bytes = await tar({ files: { "a.wasm": module, "b.txt": module } });
  const gzip = await tar({ args: ["-z"], files: { "a.wasm": module } });
  const files = { "a.txt": new Uint8Array(800_000), "b.wasm": module };
  const padded = await tar({ args: ["-z"], files });
  const wrongSum = bytes.with(0, 0x62);
  const rows: [string, () => Promise<unknown>, RegExp][] = [
    ["text", () => find(new TextEncoder().encode("no archive ".repeat(100))), /tar/],
    ["checksum", () => find(wrongSum), /checksum|header/i],
    ["cut", () => find(bytes.slice(0, 30_000)), /end/],
    ["cut in the second", () => find(bytes.slice(0, 60_000)), /end/],
    ["gzip cut", () => find(gzip.slice(0, 10_000), { isGzip: true }), /./],
    ["not gzip", () => find(bytes, { isGzip: true }), /./],
    ["module", () => find(bytes, { maxBytes: 49_999 }), /a\.wasm is over 49999 bytes/],
    [
      "all",
      () => find(padded, { maxBytes: 60_000, isGzip: true }),
      /unpacks to over 600000 bytes/,
    ],
  ];
  for (const [name, outcome, message] of rows) {
    await assert.rejects(outcome(), (error) => {
      assert(error instanceof ArchiveError, name);
      assert.match(error.message, message, name);
      return true;
    });
  }
});

Deno.test("moduleInArchive: refuses a header that claims gigabytes after the first megabyte", async () => {
  const bytes = await tar({ args: ["--format=gnu"], files: { [long]: module } });
  // The first entry is the long name's: its size, in octal, becomes 8 GiB.
  const header = bytes.slice(0, 512);
  header.set(new TextEncoder().encode("77777777777\0"), 124);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  let sent = 0;
  async function* endless() {
    yield await Promise.resolve(header);
    for (;;) {
      sent += 65_536;
      yield await Promise.resolve(new Uint8Array(65_536).fill(0x61));
    }
  }
  const take = () => Promise.resolve();
  await assert.rejects(
    moduleInArchive(endless(), { isGzip: false, maxBytes: 1024 ** 3, take }),
    /a header is over 1048576 bytes/,
  );
  assert(sent < 2 * 1024 * 1024, `${sent}`);
});

Deno.test("moduleInArchive: passes on the errors of the stream and of take", async () => {
  const bytes = await tar({ files: { "a.wasm": module } });
  const failure = new Error("mine");
  async function* broken() {
    yield* pieces(bytes.slice(0, 5000));
    throw failure;
  }
  const drain = async (content: AsyncIterable<Uint8Array>) => {
    for await (const _ of content);
  };
  const isMine = (error: unknown) => error === failure;
  const options = { isGzip: false, maxBytes: 100_000 };
  await assert.rejects(moduleInArchive(broken(), { ...options, take: drain }), isMine);
  const take = () => Promise.reject(failure);
  await assert.rejects(moduleInArchive(pieces(bytes), { ...options, take }), isMine);
});
