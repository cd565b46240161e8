import assert from "node:assert/strict";
import { createLog } from "../../src/base/log.ts";
import { openGrants, openWithGrants } from "../../src/runner/open_grants.ts";
import type { Grants, RunnerOptions } from "../../src/runner/runner_options.ts";
import { loadBlueprint } from "../../src/runner/load_code.ts";
import { guestModule } from "../testing/function.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { noGrants } from "../testing/no_grants.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/** Returns options and a context for a guest of `tests/testdata/go`. */
async function setUp(guest: string, grants: Partial<Grants> = {}) {
  const io = memoryIo({ env: { MINE: "👋", CAPSULE_ADMIN_TOKEN: "secret" } });
  const limits = {
    maxMemoryBytes: 64 * 1024 ** 2,
    timeoutMs: 0,
    sliceMs: 2,
    httpTimeoutMs: 0,
    maxResponseBytes: 0,
    maxInstances: 1,
    maxQueue: 0,
  };
  const bytes = await guestModule(guest);
  const module = { name: "guest.wasm", bytes };
  const log = createLog("text", io);
  const options: RunnerOptions = {
    blueprint: await loadBlueprint(module, { mode: "http", limits, reuse: false }, log),
    name: module.name,
    grants: { ...noGrants, ...grants },
    limits,
    dataFolder: ".capsule",
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr },
  };
  return { options, context: { io, log }, io };
}

Deno.test("openGrants: WASI has the granted variables, without secrets of the launcher", async () => {
  const { options, context, io } = await setUp("echo", {
    variables: [
      { name: "GIVEN", value: "é=1" },
      { name: "MINE", value: undefined },
      { name: "MISSING", value: undefined },
      { name: "CAPSULE_ADMIN_TOKEN", value: undefined },
    ],
  });
  const { wasi, close } = await openGrants(options, context);
  assert.deepEqual(wasi.env, { GIVEN: "é=1", MINE: "👋" });
  assert.equal(
    io.stderr.text,
    "warning: -env=MISSING is left out: the launcher has no variable of that name\n" +
      "warning: -env=CAPSULE_ADMIN_TOKEN is left out: it belongs to the launcher itself\n",
  );
  await close();
});

Deno.test("openGrants: opens only the families of which the module imports a function", async () => {
  for (const [guest, description] of [["echo", ""], ["redis-set", "store: "]] as const) {
    using folder = new TemporaryFolder();
    const { options, context, io } = await setUp(guest);
    const opened = await openGrants({ ...options, dataFolder: folder.at("data") }, context);
    assert.equal(io.stderr.text.slice(0, 7), description, guest);
    await opened.close();
  }
});

Deno.test("openGrants: refuses a missing folder, unless the sandbox denies it anyway", async () => {
  const folders = [{ host: "/nowhere/é", guest: "/data" }];
  const { options, context } = await setUp("echo", { folders });
  await assert.rejects(openGrants(options, context), {
    code: "DIR",
    message: "cannot grant -dir=/nowhere/é: there is no such folder",
  });
  const sandboxed = { ...options, grants: { ...options.grants, sandbox: true } };
  const { wasi, close } = await openGrants(sandboxed, context);
  assert.deepEqual(wasi.preopens, []);
  await close();
});

Deno.test("openWithGrants: closes what it opened, and passes an error of `open` through", async () => {
  const { options, context } = await setUp("echo");
  let closed = 0;
  const opened = await openWithGrants(options, context, () => ({ close: () => void closed++ }));
  await opened.close();
  assert.equal(closed, 1);
  const error = new Error("cannot start");
  const failing = openWithGrants(options, context, (): { close(): void } => {
    throw error;
  });
  await assert.rejects(failing, (thrown) => thrown === error);
});
