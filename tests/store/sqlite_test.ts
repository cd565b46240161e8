import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Checkpoints } from "../../src/store/checkpoints.ts";
import { EmbeddedStore } from "../../src/store/sqlite.ts";
import { SmallDisk, smallDiskTest } from "../testing/small_disk.ts";
import { TextLineStream } from "../testing/text_lines.ts";
import { keyValueContract, patient, textOf, utf8 } from "./key_value_contract.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** Runs `use` with a function that opens stores in a temporary folder, and closes them all. */
const withStores = (
  use: (open: (now?: () => number) => EmbeddedStore, folder: string) => Promise<void>,
): Promise<void> =>
  inFolder(async (temporary) => {
    const folder = `${temporary}/.capsule`;
    const stores: EmbeddedStore[] = [];
    try {
      await use((now) => {
        const store = new EmbeddedStore({ kind: "embedded", folder }, now);
        stores.push(store);
        return store;
      }, folder);
    } finally {
      for (const store of stores) await store.close();
    }
  }, "capsule-données-");

keyValueContract("embedded", Deno.test, (use) => withStores((open) => use(open())));

Deno.test("embedded store: persists its data in a file that only its owner can read", () =>
  withStores(async (open, folder) => {
    const first = open();
    assert.equal(first.description, `${folder}/data.db`);
    await first.set(utf8("k"), utf8("v"), patient);
    assert.equal(textOf(await open().get(utf8("k"), patient)), "v");
    const modes = Array.from(
      Deno.readDirSync(folder),
      ({ name }) => (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777,
    );
    assert.deepEqual(modes, modes.map(() => 0o600));
    await first.close();
    assert.equal(textOf(await open().get(utf8("k"), patient)), "v");
  }));

Deno.test("embedded store: every command ignores an expired key", () =>
  withStores(async (open) => {
    let now = 1_700_000_000_000;
    const store = open(() => now);
    const expiring = async () => {
      await store.set(utf8("k"), utf8("1"), patient);
      assert.equal(await store.expire(utf8("k"), 10n, patient), true);
    };
    await expiring();
    now += 9_999;
    assert.equal(textOf(await store.get(utf8("k"), patient)), "1");
    now += 1;
    assert.equal(await store.get(utf8("k"), patient), null);
    assert.deepEqual(await store.keys(utf8("*"), patient), []);
    assert.equal(await store.expire(utf8("k"), 10n, patient), false);
    assert.equal(await store.delete(utf8("k"), patient), false);
    const stale = { expected: utf8("1"), value: utf8("2") };
    const missing = { swapped: false, current: null };
    assert.deepEqual(await store.swap(utf8("k"), stale, patient), missing);

    // Incrementing keeps the expiry; after it, the counter starts again without one.
    await expiring();
    assert.equal(await store.increment(utf8("k"), 1n, patient), 2n);
    now += 10_000;
    assert.equal(await store.increment(utf8("k"), 1n, patient), 1n);
    now += 1e12;
    assert.equal(textOf(await store.get(utf8("k"), patient)), "1");

    // Setting a value removes the expiry.
    await expiring();
    await store.set(utf8("k"), utf8("2"), patient);
    now += 10_000;
    assert.equal(textOf(await store.get(utf8("k"), patient)), "2");
  }));

Deno.test("embedded store: swap removes an expiry", () =>
  withStores(async (open) => {
    let now = 1_700_000_000_000;
    const store = open(() => now);
    await store.set(utf8("k"), utf8("old"), patient);
    await store.expire(utf8("k"), 10n, patient);
    await store.swap(utf8("k"), { expected: utf8("old"), value: utf8("new") }, patient);
    now += 20_000;
    assert.equal(textOf(await store.get(utf8("k"), patient)), "new");
  }));

Deno.test("embedded store: purges expired rows from the file", () =>
  withStores(async (open) => {
    let now = 1_700_000_000_000;
    const store = open(() => now);
    for (let index = 0; index < 20; index++) {
      await store.set(utf8(`k${index}`), utf8("v"), patient);
      await store.expire(utf8(`k${index}`), 1n, patient);
    }
    now += 1000;
    for (let index = 0; index < 100; index++) await store.set(utf8("other"), utf8("v"), patient);
    const beside = new DatabaseSync(store.description);
    assert.deepEqual({ ...beside.prepare("SELECT count(*) AS rows FROM entries").get() }, {
      rows: 1,
    });
    beside.close();
  }));

Deno.test("embedded store: a locked file delays writes, not reads", () =>
  withStores(async (open) => {
    const store = open();
    await store.set(utf8("k"), utf8("old"), patient);
    const other = new DatabaseSync(store.description);
    other.exec("BEGIN IMMEDIATE");
    await assert.rejects(store.set(utf8("k"), utf8("late"), { timeoutMs: 20 }), {
      code: "TIMEOUT",
      message: `${store.description} was in use by another process for 20 ms`,
    });
    const writes = [
      store.set(utf8("k"), utf8("first"), patient),
      store.increment(utf8("n"), 1n, patient),
    ];
    const last = store.set(utf8("k"), utf8("last"), patient);
    assert.equal(textOf(await store.get(utf8("k"), patient)), "old");
    other.exec("COMMIT");
    other.close();
    await Promise.all([...writes, last]);
    assert.equal(textOf(await store.get(utf8("k"), patient)), "last");
  }));

Deno.test("embedded store: close rejects queued writes", () =>
  withStores(async (open) => {
    const store = open();
    await store.set(utf8("k"), utf8("old"), patient);
    const other = new DatabaseSync(store.description);
    other.exec("BEGIN IMMEDIATE");
    const failed = assert.rejects(store.set(utf8("k"), utf8("new"), patient), {
      message: "the embedded store is closed",
    });
    await store.close();
    await failed;
    other.close();
  }));

Deno.test("embedded store: three processes write concurrently without loss or lock errors", () =>
  withStores(async (open, folder) => {
    const store = open();
    const children = ["a", "b"].map((name) => startChild(folder, name, 500));
    for (let turn = 0; turn < 500; turn++) await store.increment(utf8("counter"), 1n, patient);
    for (const child of children) {
      const { code, stdout, stderr } = await child.output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.equal(new TextDecoder().decode(stdout).trim().split("\n").length, 501);
    }
    assert.equal(textOf(await store.get(utf8("counter"), patient)), "1500");
    assert.equal((await store.keys(utf8("? *"), patient)).length, 1000);
  }));

Deno.test("embedded store: a killed process loses no acknowledged write", () =>
  withStores(async (open, folder) => {
    for (const name of ["a", "b"]) {
      const child = startChild(folder, name, 1e9);
      const acknowledged: string[] = [];
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
        new TextLineStream(),
      );
      for await (const line of lines) {
        if (line.startsWith(`${name} `)) acknowledged.push(line);
        if (acknowledged.length === 2000) child.kill("SIGKILL");
      }
      await child.stderr.cancel();
      await child.status;
      // The last line may be truncated.
      acknowledged.pop();
      const store = open();
      for (const key of acknowledged) {
        const turn = Number(key.split(" ")[1]);
        assert.equal(
          textOf(await store.get(utf8(key), patient)),
          `${key} ${"x".repeat(turn % 3000)}`,
        );
      }
    }
  }));

function startChild(folder: string, name: string, writes: number): Deno.ChildProcess {
  const script = new URL("./sqlite_child.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, folder, name, `${writes}`],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("checkpoints: a worker thread moves the log into the file", () =>
  withStores(async (open) => {
    const store = open();
    await store.set(utf8("k"), new Uint8Array(1_000_000), patient);
    assert.ok(Deno.statSync(store.description).size < 500_000);
    const checkpoints = new Checkpoints(store.description);
    checkpoints.recordWrite(5_000_000);
    await checkpoints.close();
    assert.ok(Deno.statSync(store.description).size > 1_000_000);
  }));

Deno.test("checkpoints: a long log left by a kill blocks no thread and loses nothing", () =>
  withStores(async (open, folder) => {
    const before = open();
    await before.set(utf8("k"), utf8("v"), patient);
    const writer = new DatabaseSync(before.description);
    writer.exec("PRAGMA wal_autocheckpoint = 0");
    const insert = writer.prepare("INSERT INTO entries (key, value) VALUES (?, ?)");
    for (let index = 0; index < 6; index++) {
      insert.run(utf8(`${index}`), new Uint8Array(1_000_000).fill(index));
    }
    // As after a kill: the log without its shared-memory index.
    const left = `${folder}/left`;
    await Deno.mkdir(left);
    for (const file of ["data.db", "data.db-wal"]) {
      await Deno.copyFile(`${folder}/${file}`, `${left}/${file}`);
    }
    writer.close();

    const store = new EmbeddedStore({ kind: "embedded", folder: left });
    try {
      let turned = false;
      setTimeout(() => turned = true);
      const written = store.set(utf8("new"), utf8("n"), patient);
      assert.deepEqual(await store.get(utf8("5"), patient), new Uint8Array(1_000_000).fill(5));
      assert.ok(turned);
      await written;
      assert.equal((await store.keys(utf8("*"), patient)).length, 8);
    } finally {
      await store.close();
    }
  }));

Deno.test("embedded store: refuses oversized values, keys and patterns and states the limit", () =>
  withStores(async (open) => {
    const store = open();
    await assert.rejects(store.set(utf8("k"), new Uint8Array(8 * 1024 * 1024 + 1), patient), {
      code: "STORE",
      message: "a value in the embedded store has at most 8388608 bytes: this one has 8388609",
    });
    await assert.rejects(store.set(new Uint8Array(16_385), utf8("v"), patient), {
      message: "a key in the embedded store has at most 16384 bytes: this one has 16385",
    });
    await assert.rejects(store.keys(new Uint8Array(1025), patient), {
      message: "a pattern in the embedded store has at most 1024 bytes: this one has 1025",
    });
    await store.set(new Uint8Array(16_384), new Uint8Array(8 * 1024 * 1024), patient);
  }));

Deno.test("embedded store: yields to the event loop while a pattern takes long to match", () =>
  withStores(async (open) => {
    const store = open();
    for (let index = 0; index < 40; index++) {
      await store.set(new Uint8Array(4096).fill(0x61, 0, 4096 - index), utf8("v"), patient);
    }
    let turns = 0;
    const counter = setInterval(() => turns++, 0);
    const found = await store.keys(utf8(`*${"a".repeat(500)}b`), patient);
    clearInterval(counter);
    assert.deepEqual(found, []);
    assert.ok(turns >= 5, `${turns} turns of the event loop`);
  }));

smallDiskTest(
  "embedded store: a full disk fails writes without changes until space is freed",
  async () => {
    await inFolder(async (folder) => {
      await using disk = await SmallDisk.mount(folder, "size=4m");
      const script = new URL("./sqlite_full_disk_child.ts", import.meta.url).pathname;
      const [program = "", ...args] = [
        ...disk.under,
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        script,
        folder,
      ];
      const { code, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
    }, "capsule-full-");
  },
);

Deno.test("embedded store: refuses a file of another kind by name and leaves it unchanged", () =>
  withStores(async (open, folder) => {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      `${folder}/data.db`,
      "my own notes, which are longer than a header of SQLite: ".repeat(20),
    );
    const before = await Deno.readTextFile(`${folder}/data.db`);
    const store = open();
    await assert.rejects(store.get(utf8("k"), patient), {
      code: "STORE",
      message: `${folder}/data.db: file is not a database`,
    });
    assert.equal(await Deno.readTextFile(`${folder}/data.db`), before);
    await Deno.remove(`${folder}/data.db`);
    await store.set(utf8("k"), utf8("v"), patient);
  }));

Deno.test("embedded store: refuses the file of a newer Capsule", () =>
  withStores(async (open, folder) => {
    await Deno.mkdir(folder);
    const newer = new DatabaseSync(`${folder}/data.db`);
    newer.exec("PRAGMA user_version = 2");
    newer.close();
    await assert.rejects(open().get(utf8("k"), patient), {
      code: "STORE",
      message: `${folder}/data.db has format 2, which a newer Capsule made: this one knows 1`,
    });
  }));
