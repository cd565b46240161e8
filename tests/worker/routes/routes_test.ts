import assert from "node:assert/strict";
import {
  encodeOwnRoutes,
  leadsTo,
  routesOf,
  sameRoutes,
  union,
} from "../../../src/worker/routes/routes.ts";
import type { DesiredFunction, DesiredState } from "../../../src/worker/state/desired_state.ts";

const revision = { downloadUrl: "", sha256: "", instances: 1, envVariables: {} };
const functionOf = (names: string[], chosen?: string): DesiredFunction => ({
  revisions: new Map(names.map((name) => [name, revision])),
  ...(chosen && { defaultRevision: chosen }),
});
/** As if each revision had one URL with its own name, but `none`. */
const urlsOf = (name: string, revision: string) =>
  revision === "none" ? [] : [`http://${name}.${revision}:1`];
const routes = (wanted: DesiredState) => encodeOwnRoutes(routesOf(wanted, urlsOf));

Deno.test("each revision has its URLs, and the chosen one's are the default's, too", () => {
  assert.deepEqual(routes(new Map()), {});
  assert.deepEqual(routes(new Map([["f", functionOf(["blue", "none"])]])), {
    f: { blue: ["http://f.blue:1"], none: [] },
  });
  assert.deepEqual(routes(new Map([["f", functionOf(["blue", "green"], "green")]])), {
    f: { blue: ["http://f.blue:1"], default: ["http://f.green:1"], green: ["http://f.green:1"] },
  });
});

Deno.test("a revision that is really called default steps back while another one is", () => {
  const names = ["blue", "default"];
  assert.deepEqual(routes(new Map([["f", functionOf(names)]])).f?.default, ["http://f.default:1"]);
  assert.deepEqual(routes(new Map([["f", functionOf(names, "blue")]])).f?.default, [
    "http://f.blue:1",
  ]);
  assert.deepEqual(routes(new Map([["f", functionOf(names, "default")]])).f?.default, [
    "http://f.default:1",
  ]);
});

Deno.test("a union has what either has, and equal routes are equal in any order", () => {
  const a = new Map([["f", new Map([["blue", new Set(["1", "2"])]])]]);
  const b = new Map([["g", new Map()], [
    "f",
    new Map([["blue", new Set(["3", "2"])], ["green", new Set<string>()]]),
  ]]);
  const both = { f: { blue: ["1", "2", "3"], green: [] }, g: {} };
  assert.deepEqual(encodeOwnRoutes(union(a, b)), both);
  assert.deepEqual(encodeOwnRoutes(union(b, a)), both);
  assert.ok(sameRoutes(union(a, b), union(b, a)));
  assert.ok(!sameRoutes(a, b));
});

Deno.test("a port is one that a route leads to as a whole", () => {
  const some = new Map([["f", new Map([["blue", new Set(["http://localhost:10001"])]])]]);
  assert.ok(leadsTo(some, 10001));
  assert.ok(!leadsTo(some, 1));
  assert.ok(!leadsTo(some, 1000));
});
