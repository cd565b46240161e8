import assert from "node:assert/strict";
import { decodeConfig } from "../../../src/proxy/routes/read_config.ts";
import { config as description, fromConfig as described } from "../description.ts";
import { encodeRoutes, listRoutes } from "../../../src/proxy/routes/routes.ts";

const good: ReadonlyArray<readonly [what: string, text: string, list: unknown]> = [
  ["the description's file", description, described],
  [
    "the same under functions:",
    `filters: {x: 1}\nfunctions:\n${description.replace(/^/gm, "  ")}`,
    described,
  ],
  [
    "a comment, one URL bare, an anchor",
    "# routes\nf:\n  default: &a http://a:1 # one\n  blue: *a\n  red: [*a]\n",
    {
      f: { default: ["http://a:1"], blue: ["http://a:1"], red: ["http://a:1"] },
    },
  ],
  ["names that are numbers, as they are written", "1.0:\n  0x10: http://a\n  true: http://b\n", {
    "1.0": { "0x10": ["http://a"], true: ["http://b"] },
  }],
  ["a function called functions", "functions:\n  default: [http://a]\n", {
    functions: { default: ["http://a"] },
  }],
  ["a revision called weights", "f:\n  weights: [http://a]\n", { f: { weights: ["http://a"] } }],
  ["https, a path, IPv6", "f:\n  default: ['https://a/b/c', 'http://[::1]:1']\n", {
    f: { default: ["https://a/b/c", "http://[::1]:1"] },
  }],
  ["no function at all", "functions: {}\n", {}],
];

Deno.test("decodeConfig: accepts all forms of a configuration file", async (test) => {
  for (const [what, text, list] of good) {
    await test.step(what, () => assert.deepEqual(listRoutes(decodeConfig(text, "c")), list));
  }
});

Deno.test("decodeConfig: reads weights of URLs and of revisions", () => {
  const routes = decodeConfig(
    "f:\n  default:\n    - { url: http://a, weight: 3 }\n    - http://b\n  orange: {url: http://c}\n  weights: {default: 90, orange: 10}\n",
    "c",
  );
  assert.deepEqual(encodeRoutes(routes), {
    f: {
      revisions: {
        default: [{ url: "http://a", weight: 3 }, { url: "http://b", weight: 1 }],
        orange: [{ url: "http://c", weight: 1 }],
      },
      weights: { default: 90, orange: 10 },
    },
  });
});

const bad: ReadonlyArray<readonly [text: string, message: string]> = [
  ["", "c:1:1: expected functions, each with its revisions, found nothing"],
  ["- a\n", "c:1:1: expected functions, each with its revisions, found a list"],
  ["f: http://a\n", 'c:1:4: expected revisions, each with its URLs, found "http://a"'],
  ["f:\n  default: []\n", "c:2:12: a revision must have at least one URL"],
  ["f:\n  default:\n", "c:2:11: expected a URL, found nothing"],
  ["f: {}\n", "c:1:1: a function must have at least one revision"],
  [
    "f:\n  default:\n    - localhost:80\n",
    'c:3:7: a URL must begin with http:// or https://, found "localhost:80"',
  ],
  [
    "f:\n  default: ftp://a\n",
    'c:2:12: a URL must begin with http:// or https://, found "ftp://a"',
  ],
  [
    "f:\n  default: http://u:secret@a\n",
    'c:2:12: a URL must not hold a user or a password, found "http://…@a"',
  ],
  [
    "f:\n  default: http://a?b\n",
    'c:2:12: a URL must not hold a query, a fragment or a backslash, found "http://a?b"',
  ],
  [
    "f:\n  default: 'http://'\n",
    'c:2:12: a URL must name a host, and a port up to 65535 if any, found "http://"',
  ],
  ["f:\n  default: 5\n", 'c:2:12: a URL must begin with http:// or https://, found "5"'],
  [
    "f:\n  default:\n    - http://a\n    - http://a\n",
    'c:4:7: expected each URL once, found "http://a"',
  ],
  [
    "f:\n  default: http://a\nf:\n  default: http://b\n",
    'c:3:1: expected each name once, found "f" again',
  ],
  [
    "f:\n  default: http://a\n  default: http://b\n",
    'c:3:3: expected each name once, found "default" again',
  ],
  [
    "f g:\n  default: http://a\n",
    'c:1:1: expected a name (1 to 128 letters, digits, -, _ or ., and neither . nor ..), found "f g"',
  ],
  [
    "f:\n  ..: http://a\n",
    'c:2:3: expected a name (1 to 128 letters, digits, -, _ or ., and neither . nor ..), found ".."',
  ],
  [
    "f:\n  default:\n    - {url: http://a, wieght: 1}\n",
    'c:3:23: expected "url" or "weight", found "wieght"',
  ],
  ["f:\n  default:\n    - {weight: 1}\n", 'c:3:7: expected "url"'],
  [
    "f:\n  default: {url: http://a, weight: 0}\n",
    'c:2:36: expected a weight, a whole number from 1 to 1000000, found "0"',
  ],
  [
    "f:\n  default: http://a\n  weights: {blue: 1}\n",
    'c:3:13: expected a revision of this function, found "blue"',
  ],
  [
    "f:\n  default: http://a\n  weights: {default: 0}\n",
    "c:3:3: at least one weight must be above 0",
  ],
  [
    "functions:\n  f: {default: http://a}\nother: {default: http://a}\n",
    'c:3:1: expected "functions" or "filters", found "other"',
  ],
];

Deno.test("decodeConfig: names line, column and what it expected in an invalid file", async (test) => {
  for (const [text, message] of bad) {
    await test.step(message, () => {
      assert.throws(() => decodeConfig(text, "c"), { code: "CONFIG", message });
    });
  }
  assert.throws(() => decodeConfig("f:\n  default: [http://a\n", "c"), { message: /^c:\d+:\d+: / });
  assert.throws(() => decodeConfig("f:\n\tdefault: http://a\n", "c"), { message: /^c:2:1: / });
});
