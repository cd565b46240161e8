import assert from "node:assert/strict";
import { parseOciReference, shownReference } from "../../src/oci/reference.ts";

Deno.test("parseOciReference: parses what shownReference formats, and refuses what it cannot", () => {
  const digest = `sha256:${"a".repeat(64)}` as const;
  const rows: [string, ReturnType<typeof parseOciReference>][] = [
    ["oci://localhost:4999/k33g/hola:0.0.0", {
      host: "localhost:4999",
      repository: "k33g/hola",
      tag: "0.0.0",
      digest: undefined,
    }],
    ["oci://ghcr.io/a/b/c__d", {
      host: "ghcr.io",
      repository: "a/b/c__d",
      tag: "latest",
      digest: undefined,
    }],
    [`oci://h/a@${digest}`, { host: "h", repository: "a", tag: undefined, digest }],
    [`oci://[::1]:5000/a:T@${digest}`, { host: "[::1]:5000", repository: "a", tag: "T", digest }],
  ];
  for (const [text, reference] of rows) {
    assert.deepEqual(parseOciReference(text), reference);
    assert.equal(shownReference(reference), text.replace("c__d", "c__d:latest"));
  }
  for (
    const text of [
      "oci://host",
      "oci://host/",
      "oci://u:p@host/a",
      "oci://h/A",
      "oci://h/a:",
      "oci://h/a@sha256:1",
      "oci://h/a:b:c",
      `oci://h/a@${digest}@${digest}`,
    ]
  ) {
    assert.throws(() => parseOciReference(text), { code: "URL" }, text);
  }
});
