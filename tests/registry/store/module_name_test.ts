import assert from "node:assert/strict";
import { relative, resolve } from "node:path";
import fc from "fast-check";
import { isRepository, isTag, type ModuleName } from "../../../src/oci/names.ts";
import { assertModuleName, splitRepository } from "../../../src/registry/store/module_name.ts";
import { HttpError } from "../../../src/server/http_error.ts";

const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const separator = fc.oneof(fc.constantFrom(".", "_", "__", "-", "--", "---"));
/** A part of a name by the grammar: words with separators between them. */
const part = fc.tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.flat().join(""));
const reserved = ["upload", "info", "modules", "v2", "health", "metrics", "capsule"];
const user = part.filter((text) => !reserved.includes(text));
const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);

/** Returns the message that refuses a name; `undefined` if it is accepted. */
function refusalOf(name: ModuleName): string | undefined {
  try {
    assertModuleName(name);
    return undefined;
  } catch (error) {
    assert(error instanceof HttpError);
    assert.deepEqual([error.status, error.code], [400, "NAME_INVALID"]);
    return error.message;
  }
}

Deno.test("assertModuleName: accepts every name of the grammar, as splitRepository does", () => {
  fc.assert(fc.property(user, part, tag, (user, module, tag) => {
    assert.equal(refusalOf({ user, module, tag }), undefined);
    assert(isRepository(`${user}/${module}`) && isTag(tag));
    assert.deepEqual(splitRepository(`${user}/${module}`), { user, module });
  }));
});

Deno.test("assertModuleName: accepts only names that lie three folders deep in -files", () => {
  const pieces = fc.constantFrom(
    "a",
    "Z",
    "0",
    ".",
    "..",
    "/",
    "\\",
    "_",
    "-",
    "%2e",
    "\0",
    " ",
    "é",
    "\n",
    "~",
  );
  const any = fc.oneof(
    part,
    fc.constantFrom(".", "..", "../..", "a/b", "/"),
    fc.string({ unit: "binary" }),
    fc.array(pieces, { minLength: 1, maxLength: 4 }).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(any, any, any, (user, module, tag) => {
      if (refusalOf({ user, module, tag }) !== undefined) return;
      const path = relative("/files", resolve("/files", user, module, tag, `${module}.wasm`));
      assert.equal(path, `${user}/${module}/${tag}/${module}.wasm`);
      assert.match(path, /^[\x21-\x7e]+$/);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("assertModuleName: refuses a name with one character outside the grammar", () => {
  const outside = fc.constantFrom(
    "/",
    "\\",
    " ",
    "é",
    "👋",
    "%",
    "\0",
    ":",
    "@",
    "..",
    "._",
    "___",
    "+",
  );
  fc.assert(fc.property(user, part, fc.nat(), outside, (user, module, at, bad) => {
    const cut = 1 + at % module.length;
    const spoilt = `${module.slice(0, cut)}${bad}x`;
    const message = refusalOf({ user, module: spoilt, tag: "1" });
    assert(message?.includes(`got "${spoilt}"`), message);
  }));
});

Deno.test("assertModuleName: suggests the lower-case form of a name with capitals", () => {
  fc.assert(fc.property(user, part, fc.nat(), (user, module, at) => {
    const letters = Array.from(module);
    const index = at % letters.length;
    const capital = letters[index]?.toUpperCase() ?? "";
    fc.pre(capital !== letters[index]);
    const spoilt = letters.with(index, capital).join("");
    assert(refusalOf({ user, module: spoilt, tag: "1" })?.endsWith(`(try "${module}")`));
  }));
});

Deno.test("assertModuleName: refuses the first segments of the registry's own paths as users", () => {
  for (const user of reserved) {
    assert.match(refusalOf({ user, module: "hola", tag: "1" }) ?? "", /cannot be a user/);
    assert.equal(splitRepository(`${user}/hola`), undefined);
  }
});
