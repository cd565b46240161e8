/**
 * The compiled program as installed: one file, run in an empty folder by a user without a home, on
 * a machine without Deno. Only with CAPSULE_BIN.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { type ProcessOptions, runCapsule, startCapsule } from "../testing/capsule.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const binary = Deno.env.get("CAPSULE_BIN");
const root = fileURLToPath(new URL("../../", import.meta.url));
/** Changing the user requires root, and `setpriv` of util-linux. */
const canChangeUser = Deno.build.os === "linux" && Deno.uid() === 0;
/** An unprivileged user and group. */
const unprivileged = 65534;

/**
 * Calls `use` with an empty folder that an unprivileged user may write, and the options to run the
 * program there as that user. The modules of these tests are in the folder above.
 */
async function aloneWith(
  use: (folder: string, options: ProcessOptions) => Promise<void>,
): Promise<void> {
  await inFolder(async (whole) => {
    await Deno.chmod(whole, 0o755);
    await Deno.copyFile(binary ?? "", `${whole}/capsule`);
    for (
      const path of [
        "examples/redis/redis",
        "examples/couchbase/couchbase",
        "tests/testdata/go/stores/stores",
      ]
    ) {
      await Deno.copyFile(`${root}${path}.wasm`, `${whole}/${path.replace(/.*\//, "")}.wasm`);
    }
    const folder = `${whole}/empty`;
    await Deno.mkdir(folder);
    await Deno.chown(folder, unprivileged, unprivileged);
    await use(folder, {
      cwd: folder,
      under: [
        ...[
          "/usr/bin/setpriv",
          `--reuid=${unprivileged}`,
          `--regid=${unprivileged}`,
          "--clear-groups",
        ],
        // Runs the copy: the program of CAPSULE_BIN, the shell's $0, may be in a private folder.
        ...["/bin/sh", "-c", `exec '${whole}/capsule' "$@"`],
      ],
      env: {
        PATH: "/nowhere",
        HOME: "/nowhere",
        XDG_CACHE_HOME: "",
        DENO_DIR: "/nowhere",
        TMPDIR: folder,
      },
    });
  }, "capsule-alone-");
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({
    name,
    ignore: binary === undefined || (!canChangeUser && !Deno.env.get("CI")),
    fn,
  });

test("program: prints its version, calls the built-in function, and leaves no file behind", () =>
  aloneWith(async (folder, options) => {
    const version = await runCapsule(["-version"], options);
    assert.match(
      version.stdout,
      new RegExp(
        `^capsule ${config.version} \\(commit [0-9a-f]{12}(-dirty)?, deno \\S+, v8 \\S+, ${Deno.build.target}\\)\\n$`,
      ),
    );
    const { code, stdout } = await runCapsule(["-mode=cli", "Bob"], options);
    assert.deepEqual([code, stdout], [0, "👋 Hello Bob 🌍\n"]);
    assert.deepEqual(names(folder), []);
  }));

test("program: stores keys in the folder of -data", () =>
  aloneWith(async (folder, options) => {
    const args = ["-mode=cli", "-wasm=../redis.wasm", "-data=data"];
    const { code, stdout, stderr } = await runCapsule(args, options);
    assert.deepEqual([code, stderr], [0, "store: data/data.db\n"]);
    assert.match(stdout, /Hello World\n$/);
    assert.deepEqual(names(folder), ["data"]);
  }));

test("program: unpacks its Couchbase client for one call, or once with a home", () =>
  aloneWith(async (folder, options) => {
    const login = { user: "admin", password: "ilovepandas", bucket: "wasm-data" };
    await using server = new CouchbaseDouble(login);
    server.answer = () => ({ kind: "rows", rows: ['{"name":"👋"}'] });
    const query = (env: Record<string, string>) =>
      runCapsule(["-mode=cli", "-wasm=../couchbase.wasm"], {
        ...options,
        env: {
          ...options.env,
          COUCHBASE_CLUSTER: server.connectionString,
          COUCHBASE_USER: login.user,
          COUCHBASE_PWD: login.password,
          ...env,
        },
      });
    const answer = { code: 0, stdout: '[{"name":"👋"}]\n', stderr: "" };

    const { stdoutBytes: _, signal: __, ...once } = await query({});
    assert.deepEqual(once, answer);
    assert.deepEqual(names(folder), []);

    await Deno.mkdir(`${folder}/home`);
    await Deno.chown(`${folder}/home`, unprivileged, unprivileged);
    for (let times = 0; times < 2; times++) {
      const { stdoutBytes: _, signal: __, ...kept } = await query({
        HOME: `${folder}/home`,
        TMPDIR: "/nowhere",
      });
      assert.deepEqual(kept, answer);
    }
    assert.match(
      names(`${folder}/home/.cache/capsule/native`).join(),
      /^couchbase-[0-9a-f]{64}\.node$/,
    );

    const nowhere = await query({ TMPDIR: "/nowhere" });
    assert.equal(nowhere.code, 1);
    assert.match(
      nowhere.stdout,
      /the Couchbase client has to be unpacked, and no folder can be written \(.*\): name one with TMPDIR or XDG_CACHE_HOME/,
    );
  }));

test("program: queries Couchbase as soon as its client can be unpacked", () =>
  aloneWith(async (folder, options) => {
    await using couchbase = new CouchbaseDouble({
      user: "admin",
      password: "secret",
      bucket: "wasm-data",
    });
    const later = `${folder}/later`;
    const env = { ...options.env, TMPDIR: later, COUCHBASE_CLUSTER: couchbase.connectionString };
    await using server = await startCapsule(["-mode=http", "-wasm=../stores.wasm"], {
      ...options,
      env: { ...env, COUCHBASE_PWD: "secret" },
    });
    const ask = async () => (await fetch(server.url, { method: "POST", body: "SELECT 1" })).text();
    assert.match(await ask(), /no folder can be written/);
    await Deno.mkdir(later);
    await Deno.chown(later, unprivileged, unprivileged);
    assert.equal(await ask(), "[]");
  }));

test("program: queries Couchbase after its file was replaced", () =>
  aloneWith(async (folder, options) => {
    await using couchbase = new CouchbaseDouble({
      user: "admin",
      password: "secret",
      bucket: "wasm-data",
    });
    const program = `${folder}/../capsule`;
    await using server = await startCapsule(["-mode=http", "-wasm=../stores.wasm"], {
      ...options,
      env: {
        ...options.env,
        COUCHBASE_CLUSTER: couchbase.connectionString,
        COUCHBASE_PWD: "secret",
      },
    });
    await Deno.remove(program);
    await Deno.writeTextFile(program, "another one");
    const answer = await fetch(server.url, { method: "POST", body: "SELECT 1" });
    assert.equal(await answer.text(), "[]");
  }));

test("program: serves on two threads, and serves a registry with its page", () =>
  aloneWith(async (folder, options) => {
    {
      await using server = await startCapsule(["-mode=http", "-threads=2"], options);
      assert.equal(await (await fetch(server.url)).text(), "👋 Hello World 🌍\n");
      assert.equal((await server.stop()).code, 0);
    }
    await using registry = await startCapsule(["-mode=registry", "-files=modules"], options);
    assert.match(
      await (await fetch(`${registry.url}/`)).text(),
      /<title>Modules<\/title>.*No modules yet/s,
    );
    assert.deepEqual(names(folder), ["modules"]);
  }));
