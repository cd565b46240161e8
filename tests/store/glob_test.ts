import assert from "node:assert/strict";
import fc from "fast-check";
import { globMatcher, literalPrefix } from "../../src/store/glob.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { patient, textOf, utf8 } from "./key_value_contract.ts";
import { TestStore } from "./test_redis_store.ts";

redisTest("globMatcher: matches the same keys as Redis for random patterns", async () => {
  await using server = await RedisServer.start();
  await using store = new TestStore({ REDIS_ADDR: server.address });
  // ASCII only: for bytes above 127 Redis depends on the sign of the platform's `char`.
  const alphabet = ["a", "b", "c", "*", "?", "[", "]", "^", "-", "\\"];
  const names = [
    "",
    ...alphabet,
    ...alphabet.flatMap((one) => alphabet.map((two) => one + two)),
    "abc",
    "aabbcc",
    "a*b[c",
  ];
  for (const name of names) await store.set(utf8(name), utf8("v"), patient);
  const pattern = fc.array(fc.constantFrom(...alphabet, "[^", "[a-", "**"), { maxLength: 7 }).map((
    parts,
  ) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(pattern, async (text) => {
      const matches = globMatcher(utf8(text));
      const ours = names.filter((name) => matches(utf8(name))).sort();
      const theirs = (await store.keys(utf8(text), patient)).map(textOf).sort();
      assert.deepEqual(ours, theirs);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("globMatcher: many stars take at most the key's length times the pattern's", () => {
  // A matcher that backtracks to every star would not terminate here.
  const matches = globMatcher(utf8("*a".repeat(500) + "b"));
  assert.equal(matches(utf8("a".repeat(16_000))), false);
  assert.equal(matches(utf8("a".repeat(16_000) + "b")), true);
});

Deno.test("literalPrefix: ends before the first special byte", () => {
  const rows = [
    ["user:*", "user:"],
    ["a?b", "a"],
    ["a[b]", "a"],
    ["a\\*", "a"],
    ["plain", "plain"],
    [
      "*",
      "",
    ],
    ["", ""],
  ];
  for (const [pattern = "", prefix] of rows) {
    assert.equal(textOf(literalPrefix(utf8(pattern))), prefix);
  }
});
