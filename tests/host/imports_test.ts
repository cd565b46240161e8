import assert from "node:assert/strict";
import { couchbaseFunctions } from "../../src/host/couchbase.ts";
import { environmentFunctions } from "../../src/host/env.ts";
import { fileFunctions } from "../../src/host/files.ts";
import type { HostFamily } from "../../src/host/host_function.ts";
import { httpFunctions } from "../../src/host/http.ts";
import { hostImports } from "../../src/host/imports.ts";
import { informationFunctions } from "../../src/host/info.ts";
import { logFunctions } from "../../src/host/log.ts";
import { extendedRedisFunctions, redisFunctions } from "../../src/host/redis.ts";
import { createGuestFiles } from "../../src/files/guest_files.ts";
import { openKeyValueStore, openQueryService } from "../../src/store/open.ts";
import { Guest } from "../../src/wasm/guest.ts";
import { memoryIo } from "../testing/memory_io.ts";

Deno.test("host imports: the table lists exactly the functions of all families", () => {
  const store = openKeyValueStore({ kind: "embedded", folder: "/unused" });
  const queries = openQueryService({ cluster: "", user: "", password: "", bucket: "" });
  const sandbox = true;
  const families: HostFamily[] = [
    logFunctions,
    informationFunctions({ pings: 0 }),
    fileFunctions(createGuestFiles({ cwd: "/unused", dirs: [], ownFiles: [], sandbox })),
    environmentFunctions({ variables: {}, sandbox }),
    httpFunctions({ client: () => Promise.reject(new Error("unused")), sandbox }),
    redisFunctions({ store, sandbox }),
    extendedRedisFunctions({ store, sandbox }),
    couchbaseFunctions({ queries, sandbox }),
  ];
  const guest = new Guest(memoryIo({}), { sliceMs: 0, timeoutMs: 0 });
  const found: string[] = [];
  for (const family of families) {
    const { module = "env", sync = {}, suspending = {} } = family(guest);
    for (const name of Object.keys({ ...sync, ...suspending })) found.push(`${module}.${name}`);
  }
  const listed = Object.entries(hostImports).flatMap(([module, functions]) =>
    Object.keys(functions).map((name) => `${module}.${name}`)
  );
  assert.deepEqual(found.sort(), listed.sort());
});
