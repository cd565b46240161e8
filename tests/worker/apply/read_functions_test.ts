import assert from "node:assert/strict";
import { readFunctions } from "../../../src/worker/apply/read_functions.ts";

const environment: Record<string, string> = { FROM_HERE: "here 👋", EMPTY: "" };
const env = {
  get: (name: string) => Object.hasOwn(environment, name) ? environment[name] : undefined,
};
const read = (text: string) => readFunctions(text, { name: "c", env });
const digest = "0123456789abcdef".repeat(4);

Deno.test("readFunctions: decodes every field of a file", () => {
  const functions = read(`# what shall run
functions:
  hello:
    blue:
      downloadUrl: http://localhost:4999/me/hello/0.0.0/hello.wasm
    1.0:
      downloadUrl: oci://localhost:4999/me/hello:1.0
      sha256: sha256:${digest.toUpperCase()}
      instances: 3
      idle: 1m30s
      default: true
      envVariables:
        MESSAGE: "👋 good: morning"
        NUMBER: 1.10
        YES: yes
        ON: true
        EMPTY_TEXT: ""
        FROM_HERE:
        EMPTY:
        __proto__: x
  hey:
    default: &one { downloadUrl: https://r/hey.wasm, default: false }
    green: *one
`);
  assert.deepEqual([...functions.keys()], ["hello", "hey"]);
  const hello = functions.get("hello");
  assert.equal(hello?.defaultRevision, "1.0");
  assert.deepEqual(hello?.revisions.get("blue"), {
    downloadUrl: "http://localhost:4999/me/hello/0.0.0/hello.wasm",
    instances: 1,
    envVariables: {},
  });
  const { envVariables, ...deployment } = hello?.revisions.get("1.0") ?? {};
  assert.deepEqual(deployment, {
    downloadUrl: "oci://localhost:4999/me/hello:1.0",
    sha256: digest,
    instances: 3,
    idle: "1m30s",
  });
  assert.deepEqual(Object.entries(envVariables ?? {}), [
    ["MESSAGE", "👋 good: morning"],
    ["NUMBER", "1.10"],
    ["YES", "yes"],
    ["ON", "true"],
    ["EMPTY_TEXT", ""],
    ["FROM_HERE", "here 👋"],
    ["EMPTY", ""],
    ["__proto__", "x"],
  ]);
  const hey = functions.get("hey");
  assert.equal(hey?.defaultRevision, undefined);
  assert.deepEqual(hey?.revisions.get("green"), hey?.revisions.get("default"));
  assert.deepEqual(read("functions: {}"), new Map());
});

const revision = (text: string) => `functions:\n  f:\n    r:\n${text.replace(/^/gm, "      ")}\n`;
const url = "downloadUrl: http://r/f.wasm\n";
const known = '"downloadUrl", "sha256", "instances", "envVariables", "idle" or "default"';
const nameRule = "1 to 128 letters, digits, -, _ or ., and neither . nor ..";

const bad: ReadonlyArray<readonly [text: string, message: string]> = [
  ["", 'c:1:1: expected "functions:", found nothing'],
  ["- f\n", 'c:1:1: expected "functions:", found a list'],
  ["{}", 'c:1:1: expected "functions"'],
  ["hello:\n  blue: x\n", 'c:1:1: expected "functions"'],
  ["functions: {}\nmore: 1\n", 'c:2:1: expected "functions", found "more"'],
  ["more: 1\nfunctions: {}\n", 'c:1:1: expected "functions", found "more"'],
  ["functions:\n", "c:1:11: expected functions, each with its revisions, found nothing"],
  ["functions:\n  f: {}\n", "c:2:3: a function must have at least one revision"],
  [
    "functions:\n  f: http://r\n",
    'c:2:6: expected revisions, each with its downloadUrl, found "http://r"',
  ],
  [
    "functions:\n  f:\n    r:\n",
    'c:3:7: expected "downloadUrl" and other fields, found nothing',
  ],
  ["functions:\n  f g: {}\n", `c:2:3: expected a name (${nameRule}), found "f g"`],
  [
    `functions:\n  f:\n    ..: {${url.trim()}}\n`,
    `c:3:5: expected a name (${nameRule}), found ".."`,
  ],
  [revision("instances: 1"), 'c:3:5: expected "downloadUrl"'],
  [revision(`${url}instance: 1`), `c:5:7: expected ${known}, found "instance"`],
  [
    revision("downloadUrl: localhost:4999/f"),
    'c:4:20: expected a URL that begins with http://, https:// or oci://, found "localhost:4999/f"',
  ],
  [
    revision("downloadUrl: [http://r]"),
    "c:4:20: expected a URL that begins with http://, https:// or oci://, found a list",
  ],
  [revision(`${url}sha256: abc`), 'c:5:15: expected a digest, 64 hexadecimal digits, found "abc"'],
  [
    revision(`${url}instances: 0`),
    'c:5:18: expected a number of instances from 1 to 256, found "0"',
  ],
  [
    revision(`${url}instances: 1.5`),
    'c:5:18: expected a number of instances from 1 to 256, found "1.5"',
  ],
  [
    revision(`${url}instances: two`),
    'c:5:18: expected a number of instances from 1 to 256, found "two"',
  ],
  [
    revision(`${url}instances: 257`),
    'c:5:18: expected a number of instances from 1 to 256, found "257"',
  ],
  [revision(`${url}idle: 60`), 'c:5:13: expected a duration such as 60s or 5m, found "60"'],
  [revision(`${url}idle: 0`), 'c:5:13: expected a duration such as 60s or 5m, found "0"'],
  [revision(`${url}idle:`), "c:5:12: expected a duration such as 60s or 5m, found nothing"],
  [revision(`${url}default: yes`), 'c:5:16: expected true or false, found "yes"'],
  [
    revision(`${url}envVariables: [A]`),
    "c:5:21: expected variables, each with its value, found a list",
  ],
  [revision(`${url}envVariables: {A: [1]}`), "c:5:25: expected a text, found a list"],
  [
    revision(`${url}envVariables:\n  MISSING:`),
    "c:6:9: a value of MISSING is missing, here and in the environment",
  ],
  [
    `functions:\n  f:\n    a: {${url.trim()}, default: true}\n    b: {${url.trim()}, default: true}\n`,
    'c:4:39: "a" is the default revision already',
  ],
  [
    "functions:\n  f:\n    a: 1\n  f:\n    b: 1\n",
    'c:4:3: expected each name once, found "f" again',
  ],
];

Deno.test("readFunctions: reports line, column and what was expected", async (test) => {
  for (const [text, message] of bad) {
    await test.step(message, () => assert.throws(() => read(text), { code: "CONFIG", message }));
  }
  assert.throws(() => read("functions:\n\tf: {}\n"), { message: /^c:2:1: / });
});
