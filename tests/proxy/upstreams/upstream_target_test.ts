import assert from "node:assert/strict";
import { upstreamTarget } from "../../../src/proxy/upstreams/upstream.ts";

Deno.test("upstreamTarget: joins the path of a URL, the rest and the query", () => {
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
