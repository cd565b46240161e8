import assert from "node:assert/strict";
import language from "../../../scripts/lint/language.ts";

const messages = (path: string, text: string) =>
  Deno.lint.runPlugin(language, path, text).map(({ message }) => message);

const refused: readonly (readonly [title: string, comment: string, message: RegExp])[] = [
  ["a word of the glossary's right column", "// Nobody reads it.", /got "Nobody"/i],
  ["such a phrase over two lines", "/* It is\n * put back. */", /got "is put back"/i],
  ["a line of more than 100 columns", `// ${"word ".repeat(20)}`, /100 columns.* 10\d/],
  ["a measured figure", "// Costs 4.8 µs.", /benchmarks\.md.*"8 µs"/],
  ["a cost in milliseconds", "// It takes about 12 ms.", /benchmarks\.md/],
  ["a docstring of a function", "/** What it is. */\nexport function f() {}", /"What"/],
  ["a docstring of a class", "/**\n * Whether it is. */\nexport class C {}", /"Whether"/],
  ["a docstring of a method", "export class C {\n  /** How. */\n  m() {}\n}", /"How"/],
  ["a docstring of a field", "export interface I {\n  /** Who. */\n  a: 1;\n}", /"Who"/],
];
for (const [title, text, message] of refused) {
  Deno.test(`language lint: refuses ${title}`, () => {
    const found = messages("/project/src/file.ts", text + "\n");
    assert.equal(found.length, 1, found.join("; "));
    assert.match(found[0] ?? "", message);
  });
}

Deno.test("language lint: accepts defaults, limits, code, and figures outside of src", () => {
  assert.deepEqual(messages("/project/src/file.ts", "// The limit is 100 ms, 50 % jitter.\n"), []);
  assert.deepEqual(messages("/project/src/file.ts", 'const text = "nobody";\n'), []);
  assert.deepEqual(messages("/project/src/file.ts", "// The user `nobody`.\n"), []);
  assert.deepEqual(messages("/project/src/file.ts", "/** What. */\nfunction f() {}\n"), []);
  assert.deepEqual(messages("/project/tests/file.ts", "// Costs 4.8 µs.\n"), []);
});
