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
/** Returns one URL with the revision's name, and none for `none`. */
const urlsOf = (name: string, revision: string) =>
  revision === "none" ? [] : [`http://${name}.${revision}:1`];
const routes = (desired: DesiredState) => encodeOwnRoutes(routesOf(desired, urlsOf));

Deno.test("routesOf: registers each revision, and the default one twice", () => {
  assert.deepEqual(routes(new Map()), {});
  assert.deepEqual(routes(new Map([["f", functionOf(["blue", "none"])]])), {
    f: { blue: ["http://f.blue:1"], none: [] },
  });
  assert.deepEqual(routes(new Map([["f", functionOf(["blue", "green"], "green")]])), {
    f: { blue: ["http://f.blue:1"], default: ["http://f.green:1"], green: ["http://f.green:1"] },
  });
});

Deno.test("routesOf: the default revision replaces one that is named default", () => {
  const names = ["blue", "default"];
  assert.deepEqual(routes(new Map([["f", functionOf(names)]])).f?.default, ["http://f.default:1"]);
  assert.deepEqual(routes(new Map([["f", functionOf(names, "blue")]])).f?.default, [
    "http://f.blue:1",
  ]);
  assert.deepEqual(routes(new Map([["f", functionOf(names, "default")]])).f?.default, [
    "http://f.default:1",
  ]);
});

Deno.test("union, sameRoutes: do not depend on the order", () => {
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

Deno.test("leadsTo: compares the whole port", () => {
  const some = new Map([["f", new Map([["blue", new Set(["http://localhost:10001"])]])]]);
  assert.ok(leadsTo(some, 10001));
  assert.ok(!leadsTo(some, 1));
  assert.ok(!leadsTo(some, 1000));
});
