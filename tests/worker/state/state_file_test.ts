import assert from "node:assert/strict";
import { encodeOwnRoutes } from "../../../src/worker/routes/routes.ts";
import { StateFile, type WorkerState } from "../../../src/worker/state/state_file.ts";
import { encodeDesiredState } from "../../../src/worker/state/desired_state.ts";
import { memoryLog } from "../../server/memory_log.ts";
import { refused } from "../../testing/refused.ts";
import { inFolder } from "../../testing/temporary_folder.ts";

/** Runs `work` with the path of a state file in a folder that does not exist yet. */
const withStatePath = (work: (path: string) => Promise<void>) =>
  inFolder((folder) => work(`${folder}/state/worker.json`));

/** A state with a number of functions, one of which has an unusual revision name. */
function state(count: number): WorkerState {
  const names = Array.from({ length: count }, (_, index) => `f${index}`);
  const revision = {
    downloadUrl: "http://localhost:4999/👋/hello.wasm",
    sha256: "0".repeat(64),
    instances: 2,
    envVariables: { MESSAGE: "👋", EMPTY: "" },
    idle: "60s",
  };
  return {
    desired: new Map(names.map((name) => [
      name,
      {
        defaultRevision: "blue",
        revisions: new Map([["blue", revision], ["default", { ...revision, instances: 0 }]]),
      },
    ])),
    routes: new Map(
      names.map((name) => [name, new Map([["blue", new Set([`http://localhost:1/${name}`])]])]),
    ),
  };
}

const plain = ({ desired, routes }: WorkerState) => ({
  desired: encodeDesiredState(desired),
  routes: encodeOwnRoutes(routes),
});
const read = async (path: string) => plain(await new StateFile(path).read(memoryLog().log));

Deno.test("StateFile: reads what was saved, in a file that only its owner can read", () =>
  withStatePath(async (path) => {
    assert.deepEqual(await read(path), plain(state(0)));
    const file = new StateFile(path);
    for (const count of [3, 0, 1]) {
      await file.save(state(count));
      assert.deepEqual(await read(path), plain(state(count)));
    }
    if (Deno.build.os !== "windows") {
      assert.equal(Number((await Deno.stat(path)).mode) & 0o777, 0o600);
    }
  }));

Deno.test("StateFile: concurrent saves are written in order", () =>
  withStatePath(async (path) => {
    const file = new StateFile(path);
    await Promise.all([1, 5, 2, 4, 3].map((count) => file.save(state(count))));
    assert.deepEqual(await read(path), plain(state(3)));
  }));

Deno.test("StateFile: a file cut at any byte loses only the last change", () =>
  withStatePath(async (path) => {
    const file = new StateFile(path);
    await file.save(state(1));
    await file.save(state(2));
    const whole = await Deno.readFile(path);
    const before = plain(state(1));
    const after = plain(state(2));
    for (let length = 0; length <= whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      const { log, stderr } = memoryLog();
      const found = plain(await new StateFile(path).read(log));
      // The file is whole without its last line break.
      assert.deepEqual(found, length >= whole.length - 1 ? after : before, `cut at ${length}`);
      if (length < whole.length - 1) {
        assert.match(stderr(), /using the state before the last change/);
      }
    }
    await Deno.remove(path);
    assert.deepEqual(await read(path), before);
  }));

Deno.test("StateFile: after a cut, the next save keeps the good state", () =>
  withStatePath(async (path) => {
    const file = new StateFile(path);
    await file.save(state(1));
    await file.save(state(2));
    await Deno.writeTextFile(path, '{"version":');
    const again = new StateFile(path);
    await again.read(memoryLog().log);
    await again.save(state(3));
    await Deno.truncate(path, 1);
    assert.deepEqual(await read(path), plain(state(1)));
  }));

Deno.test("StateFile: a cut first state is empty", () =>
  withStatePath(async (path) => {
    await new StateFile(path).save(state(2));
    await Deno.truncate(path, 100);
    assert.deepEqual(await read(path), plain(state(0)));
  }));

Deno.test("StateFile: refuses another file, and leaves it unchanged", () =>
  withStatePath(async (path) => {
    await new StateFile(path).save(state(1));
    for (
      const [text, why] of [
        ["[]", /is not the state of a worker/],
        ['{"version":2,"functions":{},"routes":{}}', /is not the state of a worker: version/],
        [
          '{"version":1,"functions":{"a b":{"revisions":{}}},"routes":{}}',
          /is not the state of a worker: functions/,
        ],
      ] as const
    ) {
      await Deno.writeTextFile(path, text);
      await refused(read(path), "STATE", why);
      assert.equal(await Deno.readTextFile(path), text);
    }
    await Deno.remove(path);
    await Deno.mkdir(path);
    await refused(read(path), "STATE", /cannot read -state=/);
  }));

Deno.test("StateFile: a failed save keeps the state before", () =>
  withStatePath(async (path) => {
    const file = new StateFile(path);
    await file.save(state(1));
    await Deno.mkdir(`${path}.new`);
    await refused(file.save(state(2)), "STATE", /cannot write -state=/);
    assert.deepEqual(await read(path), plain(state(1)));
    await Deno.remove(`${path}.new`);
    await file.save(state(2));
    assert.deepEqual(await read(path), plain(state(2)));
  }));
