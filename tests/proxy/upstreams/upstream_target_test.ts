import assert from "node:assert/strict";
import { upstreamTarget } from "../../../src/proxy/upstreams/upstream.ts";

Deno.test("the target below a URL's path", () => {
  const rows = [["", "", "", "/"], ["", "/a", "?q", "/a?q"], ["/b", "", "?", "/b?"], [
    "/b/",
    "/a",
    "",
    "/b/a",
  ], ["/b", "//a", "", "/b//a"]];
  for (const [base = "", rest = "", query = "", target] of rows) {
    assert.equal(upstreamTarget(base, rest, query), target);
  }
});
