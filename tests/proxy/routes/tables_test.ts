import assert from "node:assert/strict";
import { memoryIo } from "../../testing/memory_io.ts";
import { MemoryTable } from "../../../src/proxy/routes/memory_table.ts";
import { openTable } from "../../../src/proxy/routes/open_table.ts";
import { listRoutes, type Routes } from "../../../src/proxy/routes/routes.ts";
import { routesOf } from "../start_proxy.ts";
import { endingWith, testRouteTable } from "./table_contract.ts";
import { silentLog } from "../silent_log.ts";
import { inFolder } from "../../testing/temporary_folder.ts";

const { env } = memoryIo();

testRouteTable("memory", (routes) => Promise.resolve(new MemoryTable(routes)));

testRouteTable("file", async (config) => {
  const folder = await Deno.makeTempDir();
  const { table } = await open(`${folder}/routes.json`, config);
  return endingWith(table, async () => {
    await table[Symbol.asyncDispose]();
    // Another table reads the same from the file.
    assert.deepEqual((await open(`${folder}/routes.json`, config)).table.routes, table.routes);
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
        name !== "routes.json"
      ),
      [],
    );
    await Deno.remove(folder, { recursive: true });
  });
});

function open(routesFile: string, config: Routes) {
  return openTable({ backend: "memory", config, routesFile, env, log: silentLog });
}

Deno.test("openTable: -routes keeps changes over a restart and takes those of -config", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/routes.json`;
    const before = routesOf({ a: { default: ["http://a"] }, b: { default: ["http://b"] } });
    const { table } = await open(file, before);
    await table.change({ kind: "remove-function", function: "a" });
    await table.change({
      kind: "register",
      function: "own",
      revision: "default",
      url: "http://own",
    });
    const after = routesOf({ a: { default: ["http://a"] }, b: { default: ["http://b2"] } });
    const { table: again } = await open(file, after);
    assert.deepEqual(listRoutes(again.routes), {
      b: { default: ["http://b2"] },
      own: { default: ["http://own"] },
    });
  });
});

Deno.test("readRoutesFile: refuses a file that holds something else", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/routes.json`;
    for (
      const text of [
        "",
        "{",
        "[]",
        '{"routes":{}}',
        '{"config":{},"routes":{"f":{"revisions":{"default":["http://a"]}}}}',
      ]
    ) {
      await Deno.writeTextFile(file, text);
      await assert.rejects(open(file, new Map()), { code: "ROUTES" });
    }
  });
});

Deno.test("MemoryTable: a change that cannot be saved is not made", async () => {
  const table = new MemoryTable(new Map(), () => Promise.reject(new Error("disk full")));
  await assert.rejects(
    table.change({ kind: "register", function: "f", revision: "default", url: "http://a" }),
    {
      status: 503,
      code: "ERROR_BACKEND_UNAVAILABLE",
      message: "cannot save the routes: disk full",
    },
  );
  assert.equal(table.routes.size, 0);
});
