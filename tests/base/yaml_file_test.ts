import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { decodeYaml, fields, mapOf, readYaml } from "../../src/base/yaml_file.ts";

const any = z.unknown();
const decode = (text: string, schema: z.ZodType = any) => decodeYaml(text, schema, "c");
const fails = (text: string, message: string | RegExp, schema: z.ZodType = any) =>
  assert.throws(() => decode(text, schema), { code: "CONFIG", message });

Deno.test("decodeYaml: scalars, lists and maps become plain values", () => {
  assert.deepEqual(decode("a: [1, x, true, null, '']\nb: {}\n👋: é\n"), {
    a: [1, "x", true, null, ""],
    b: {},
    "👋": "é",
  });
  assert.equal(decode(""), null);
});

Deno.test("decodeYaml: any JSON value is read as the yaml package reads it", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.boolean(), (value, isShared) => {
    // The same object twice becomes an anchor and an alias.
    const text = stringify(isShared ? { a: value, b: value, c: [value] } : { a: value });
    assert.deepEqual(decode(text), parse(text));
  }));
});

Deno.test("decodeYaml: a plain scalar is its text where the schema wants a string", () => {
  const texts = mapOf(z.string().nullable(), { expected: "texts" });
  const text = "n: 1.10\nx: 0x10\ny: yes\nt: true\nq: '1'\ne:\n__proto__: 5\n";
  assert.deepEqual(
    [...decode(text, texts) as Map<string, string>],
    [["n", "1.10"], ["x", "0x10"], ["y", "yes"], ["t", "true"], ["q", "1"], ["e", null], [
      "__proto__",
      "5",
    ]],
  );
  assert.deepEqual(decode("n: 1.10\n", z.object({ n: z.number() })), { n: 1.1 });
});

Deno.test("decodeYaml: an alias is the value of the last anchor of its name", () => {
  assert.deepEqual(decode("a: &x 1\nb: *x\nc: &x [2]\nd: *x\n"), { a: 1, b: 1, c: [2], d: [2] });
  fails("a: *x\n", 'c:1:4: expected an alias of an anchor above, found "*x"');
  fails("a: &x\n  b: *x\n", 'c:2:6: expected an alias of an anchor above, found "*x"');
});

Deno.test("decodeYaml: merge keys add what a map does not have, the first of a list first", () => {
  const text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: *a\n  y: 3\n" +
    "d: {<<: [*b, *a]}\ne: {<<: {__proto__: 1}}\n'<<': 4\n";
  const { c, d, e, ...rest } = decode(text) as Record<string, Record<string, unknown>>;
  assert.deepEqual(c, { x: 1, y: 3 });
  assert.deepEqual(d, { x: 1, y: 2, z: 2 });
  assert.deepEqual(Object.entries(e ?? {}), [["__proto__", 1]]);
  assert.equal(rest["<<"], 4);
  fails("a: {<<: 1}\n", 'c:1:9: expected a map to merge, found "1"');
});

Deno.test("decodeYaml: a message has the line and column of the value or of the name", () => {
  const item = fields({ url: z.string("expected a URL"), n: z.int("expected n") }, "an item");
  const items = mapOf(item, {
    expected: "items",
    nameFault: (name) => name === "bad" ? "a good name" : undefined,
  });
  const cases: readonly (readonly [text: string, message: string])[] = [
    ["- a\n", "c:1:1: expected items, found a list"],
    ["a:\n", "c:1:3: expected an item, found nothing"],
    ["a:\n  n: 1\n", 'c:1:1: expected "url"'],
    ["a:\n  n: 1\n  url: [x]\n", "c:3:8: expected a URL, found a list"],
    ["a: {url: x, n: 1.5}\n", 'c:1:16: expected n, found "1.5"'],
    ["a: {url: x, n: 1, m: 1}\n", 'c:1:19: expected "url" or "n", found "m"'],
    ["bad: {url: x, n: 1}\n", 'c:1:1: expected a good name, found "bad"'],
    ["a: http://u:secret@h\n", 'c:1:4: expected an item, found "http://…@h"'],
    ["a: 1\nb: 2\na: 3\n", 'c:3:1: expected each name once, found "a" again'],
    ["[a]: 1\n", "c:1:1: expected a name, found a list"],
  ];
  for (const [text, message] of cases) fails(text, message, items);
  fails("a: [\n", /^c:2:1: /);
});

Deno.test("decodeYaml: refuses what is too long, too deep or multiplied by aliases", () => {
  fails(" ".repeat(4 * 1024 * 1024 + 1), "c: expected at most 4 MiB of YAML");
  fails("- ".repeat(100), "c:1:129: expected at most 64 levels");
  fails("[".repeat(100_000), /^c:1:\d+: /);
  const laughs = Array.from(
    { length: 10 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`)}]\n`,
  );
  fails(
    `a0: &a0 x\n${laughs.join("")}`,
    "c:8:10: expected at most 1000000 values, aliases included",
  );
  const wide = `a: &a {${Array.from({ length: 1000 }, (_, i) => `k${i}: 1`)}}\nb:\n`;
  fails(wide + "  - {<<: *a}\n".repeat(2000), /expected at most 1000000 values/);
});

Deno.test("decodeYaml: takes time linear to names, anchors and errors", () => {
  const many = (line: (i: number) => string) => Array.from({ length: 2000 }, (_, i) => line(i));
  const timed = (text: string, repeat: number) => {
    const schema = mapOf(z.union([z.string(), z.array(z.string())]), { expected: "texts" });
    const start = performance.now();
    for (let i = 0; i < repeat; i++) {
      try {
        decode(text, schema);
      } catch {
        // The text of errors.
      }
    }
    return performance.now() - start;
  };
  const texts = [
    (count: number) => many((i) => `f${i}: ${i}\n`).slice(0, count).join(""),
    (count: number) => many((i) => `f${i}: &a${i} [x]\ng${i}: *a${i}\n`).slice(0, count).join(""),
    (count: number) => "a: b: c\n".repeat(count),
  ];
  for (const text of texts) {
    timed(text(125), 4);
    const small = Math.min(...[1, 2].map(() => timed(text(125), 16)));
    const large = Math.min(...[1, 2].map(() => timed(text(2000), 1)));
    assert.ok(large < 6 * small, `${large} ms for 2000 lines, ${small} ms for 16 times 125`);
  }
});

Deno.test("readYaml: names the flag where the file cannot be read", async () => {
  await assert.rejects(readYaml("/no/such.yaml", any, "-config"), {
    code: "CONFIG",
    message: "cannot read -config=/no/such.yaml: no such file",
  });
});
