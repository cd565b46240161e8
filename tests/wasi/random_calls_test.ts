import assert from "node:assert/strict";
import fc from "fast-check";
import { Errno } from "../../src/wasi/preview1.ts";
import { preview1Names } from "../../src/wasi/imports.ts";
import { Guest } from "./guest.ts";
import { parameters } from "./parameters.ts";

const paths = [
  ...[
    "",
    ".",
    "..",
    "a",
    "b",
    "sub",
    "sub/b",
    "sub/../a",
    "./././a",
    "/",
    "/etc",
    "sub/",
    "a/",
    "é",
    "\0",
  ],
  ...["inner", "inner/", "outer", "outer/secret", "../outside/secret", "dangling", "x".repeat(300)],
];

const edges = fc.constantFrom(-1, -0x80000000, 0x7fffffff, 1000, 65_535, 65_536);
const value: Readonly<Record<string, fc.Arbitrary<number | bigint>>> = {
  d: fc.oneof(
    { weight: 5, arbitrary: fc.constant(3) },
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 8 }) },
    edges,
  ),
  p: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0x8000, max: 0xa000 }) },
    fc.integer(),
    edges,
  ),
  n: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 15 }) }, fc.integer(), edges),
  l: fc.oneof(
    fc.constantFrom(0n, 1n, 2n, 64n, 66n, 0x1fffffffn, 0x3fffffffn),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ),
  // No sizes between: they would fill the disk.
  s: fc.constantFrom(0n, 1n, 100n, 100_000n, -1n, 2n ** 62n, -(2n ** 63n)),
  t: fc.nat(paths.length - 1),
};

const call = fc.oneof(
  ...preview1Names.filter((name) => name !== "proc_exit").map((name) => ({
    // Closed descriptors leave little to do for the other functions.
    weight: name === "fd_close" || name === "fd_renumber" ? 1 : 10,
    arbitrary: fc.tuple(
      fc.constant(name),
      fc.tuple(
        ...[...parameters[name]].map((kind) => value[kind === "v" ? "p" : kind] ?? fc.constant(0)),
      ),
    ),
  })),
);

Deno.test("random calls: each returns an error number and changes nothing outside", () => {
  fc.assert(
    fc.property(fc.array(call, { minLength: 50, maxLength: 300 }), (calls) => {
      using guest = new Guest();
      const placed = paths.map((path) => guest.put(path));
      const list = guest.iovs({ at: 0x9000, length: 10 }, { at: 0x9100, length: 3000 });
      guest.folder.write("inside/a", "hello");
      guest.folder.write("inside/sub/b", "world");
      guest.folder.write("outside/secret", "kept");
      guest.folder.link("sub", "inside/inner");
      guest.folder.link("../outside", "inside/outer");
      guest.folder.link("nothing", "inside/dangling");
      for (const [name, values] of calls) {
        const given = values.flatMap((value, index) => {
          const kind = parameters[name][index];
          if (kind === "v" && Number(value) % 2 === 0) return [list.at];
          const path = kind === "t" ? placed[Number(value)] : undefined;
          return path ? [path.at, path.length] : [value];
        });
        const answer = (guest.wasi.imports[name] as unknown as (...given: unknown[]) => unknown)(
          ...given,
        );
        if (answer instanceof Promise) guest.wasi.reset();
        else {assert.ok(
            Number(answer) >= 0 && Number(answer) <= Errno.ENOTCAPABLE,
            `${name}: ${answer}`,
          );}
      }
      assert.equal(guest.folder.read("outside/secret"), "kept");
      assert.deepEqual([...Deno.readDirSync(guest.folder.at("outside"))].map(({ name }) => name), [
        "secret",
      ]);
    }),
    { numRuns: 150 },
  );
});
