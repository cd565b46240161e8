import assert from "node:assert/strict";
import { HttpError } from "../../../src/server/http_error.ts";
import type { RouteChange } from "../../../src/proxy/routes/change_routes.ts";
import { listRoutes, type Routes } from "../../../src/proxy/routes/routes.ts";
import type { RouteTable } from "../../../src/proxy/routes/change_routes.ts";
import { routesOf } from "../start_proxy.ts";

const url = "http://localhost:5050";
const other = "http://localhost:5051";

/** A table with another way to end. */
export function endingWith(table: RouteTable, end: () => Promise<void>): RouteTable {
  return {
    get routes() {
      return table.routes;
    },
    change: (change) => table.change(change),
    listen: (listener) => table.listen(listener),
    [Symbol.asyncDispose]: end,
  };
}

/** The contract of all route tables. `open` makes one with routes; `define` declares a test. */
export function testRouteTable(
  name: string,
  open: (routes: Routes) => Promise<RouteTable>,
  define: (name: string, fn: () => Promise<void>) => void = Deno.test,
): void {
  const test = (
    sentence: string,
    run: (table: RouteTable) => Promise<void>,
    routes: Routes = new Map(),
  ) =>
    define(`${name}: ${sentence}`, async () => {
      await using table = await open(routes);
      await run(table);
    });
  const refuses = async (
    table: RouteTable,
    change: RouteChange,
    status: number,
    code: string,
    message: string,
  ) => {
    const before = listRoutes(table.routes);
    await assert.rejects(table.change(change), (error) => {
      assert.ok(error instanceof HttpError);
      assert.deepEqual([error.status, error.code, error.message], [status, code, message]);
      return true;
    });
    assert.deepEqual(listRoutes(table.routes), before);
  };
  const blue = { function: "f", revision: "blue" };

  test("begins with the routes of the file", (table) => {
    assert.deepEqual(listRoutes(table.routes), { f: { default: [url] } });
    return Promise.resolve();
  }, routesOf({ f: { default: [url] } }));

  test("makes all changes of a revision, and refuses invalid ones", async (table) => {
    const add = { kind: "register", ...blue, url } as const;
    await refuses(
      table,
      { kind: "remove-function", function: "f" },
      404,
      "ERROR_FUNCTION_NOT_FOUND",
      "f does not exist",
    );
    await refuses(
      table,
      { ...add, kind: "add-revision" },
      404,
      "ERROR_FUNCTION_NOT_FOUND",
      "f does not exist",
    );
    await refuses(
      table,
      { ...add, kind: "add-url" },
      404,
      "ERROR_FUNCTION_NOT_FOUND",
      "f does not exist",
    );
    await table.change({ ...add, revision: "default" });
    await refuses(
      table,
      { ...add, kind: "add-url" },
      404,
      "ERROR_REVISION_NOT_FOUND",
      "blue does not exist",
    );
    await refuses(
      table,
      { ...add, kind: "remove-url" },
      404,
      "ERROR_REVISION_NOT_FOUND",
      "blue does not exist",
    );
    await refuses(
      table,
      { kind: "remove-revision", ...blue },
      404,
      "ERROR_REVISION_NOT_FOUND",
      "blue does not exist",
    );
    await table.change(add);
    await refuses(table, add, 409, "ERROR_FUNCTION_ALREADY_EXISTS", "f already exists");
    await refuses(
      table,
      { ...add, kind: "add-revision" },
      409,
      "ERROR_REVISION_ALREADY_EXISTS",
      "blue already exists",
    );
    await table.change({ ...add, kind: "add-revision", revision: "red" });
    await table.change({ ...add, kind: "add-url", url: other });
    await refuses(
      table,
      { ...add, kind: "add-url" },
      409,
      "ERROR_URL_ALREADY_EXISTS",
      `${url} already exists`,
    );
    assert.deepEqual(listRoutes(table.routes), {
      f: { blue: [url, other], default: [url], red: [url] },
    });
    await table.change({ ...add, kind: "remove-url" });
    await refuses(
      table,
      { ...add, kind: "remove-url" },
      404,
      "ERROR_URL_NOT_FOUND",
      `${url} does not exist`,
    );
    await table.change({ ...add, kind: "remove-url", url: other });
    assert.deepEqual(listRoutes(table.routes), { f: { blue: [], default: [url], red: [url] } });
    await table.change({ ...add, kind: "add-url" });
    await table.change({ kind: "remove-revision", ...blue });
    await table.change({ kind: "remove-function", function: "f" });
    assert.deepEqual(listRoutes(table.routes), {});
  });

  test("names such as __proto__ are ordinary names", async (table) => {
    for (const each of ["__proto__", "constructor", "toString", "a".repeat(128)]) {
      await table.change({ kind: "register", function: each, revision: each, url });
    }
    assert.deepEqual(Object.keys(listRoutes(table.routes)), [
      "__proto__",
      "a".repeat(128),
      "constructor",
      "toString",
    ]);
    assert.deepEqual(table.routes.get("__proto__")?.revisions.get("__proto__"), [{
      url,
      weight: 1,
    }]);
  });

  test("concurrent changes are all kept", async (table) => {
    await table.change({ kind: "register", function: "f", revision: "default", url });
    const changes = Array.from(
      { length: 20 },
      (_, index) =>
        table.change({
          kind: "add-url",
          function: "f",
          revision: "default",
          url: `http://localhost:${6000 + index}`,
        }),
    );
    const twice = await Promise.allSettled([
      ...changes,
      ...[1, 2].map(() =>
        table.change({ kind: "add-revision", function: "f", revision: "once", url })
      ),
    ]);
    assert.equal(twice.filter(({ status }) => status === "rejected").length, 1);
    assert.equal(table.routes.get("f")?.revisions.get("default")?.length, 21);
  });

  test("calls its listener immediately and after each change", async (table) => {
    const received: string[] = [];
    table.listen((routes) => received.push(JSON.stringify(listRoutes(routes))));
    await table.change({ kind: "register", function: "f", revision: "default", url });
    await table.change({ kind: "remove-function", function: "f" });
    assert.deepEqual(received, ["{}", `{"f":{"default":["${url}"]}}`, "{}"]);
  });

  test(
    "a reload changes the functions that changed in the file, and no others",
    async (table) => {
      const before = routesOf({
        a: { default: [url] },
        b: { default: [url] },
        c: { default: [url] },
      });
      await table.change({ kind: "remove-function", function: "a" });
      await table.change({ kind: "add-url", function: "b", revision: "default", url: other });
      await table.change({ kind: "register", function: "own", revision: "default", url });
      const after = routesOf({
        a: { default: [url] },
        b: { default: ["http://new"] },
        d: { default: [url] },
      });
      await table.change({ kind: "reload", before, after });
      assert.deepEqual(listRoutes(table.routes), {
        b: { default: ["http://new"] },
        d: { default: [url] },
        own: { default: [url] },
      });
    },
    routesOf({ a: { default: [url] }, b: { default: [url] }, c: { default: [url] } }),
  );

  test("keeps weights, and drops them with their revision", async (table) => {
    const weighted: Routes = new Map([["f", {
      revisions: new Map([["default", [{ url, weight: 3 }]], ["blue", [{
        url: other,
        weight: 1,
      }]]]),
      weights: new Map([["default", 90], ["blue", 10]]),
    }]]);
    await table.change({ kind: "reload", before: new Map(), after: weighted });
    assert.deepEqual(table.routes, weighted);
    await table.change({ kind: "add-url", function: "f", revision: "default", url: other });
    assert.deepEqual(table.routes.get("f")?.weights?.get("blue"), 10);
    await table.change({ kind: "remove-revision", ...blue });
    assert.deepEqual([...table.routes.get("f")?.weights ?? []], [["default", 90]]);
    await table.change({ kind: "remove-revision", function: "f", revision: "default" });
    assert.equal(table.routes.get("f")?.weights, undefined);
  });
}
