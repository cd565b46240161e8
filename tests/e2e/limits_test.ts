import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { sleeper } from "../testing/sleeper.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const guest = (name: string) => `-wasm=${at(`tests/testdata/go/${name}/${name}.wasm`)}`;
const environment = `-wasm=${at("examples/environment/environment.wasm")}`;

Deno.test("env: a guest never reads the launcher's secrets, whatever is allowed", async () => {
  const secrets = {
    REDIS_PWD: "secret",
    COUCHBASE_PWD: "secret",
    CAPSULE_ADMIN_TOKEN: "secret",
    CAPSULE_ANYTHING: "secret",
    REDIS_ADDR: "redis://me:secret@localhost:6379",
  };
  for (const [name, value] of Object.entries(secrets)) {
    // The example reads MESSAGE; the guest below chooses its variable.
    for (const flags of [[], [`-allowEnv=${name}`]]) {
      const { stdout, stderr } = await runCapsule(["-mode=cli", guest("get-env"), ...flags, name], {
        env: { [name]: value },
      });
      assert.doesNotMatch(stdout + stderr, /secret/, name);
      assert.match(stderr, new RegExp(`${name} is empty`), name);
    }
  }
});

Deno.test("allowEnv: is the whole list, and -sandbox allows none", async () => {
  const call = (flags: string[]) =>
    runCapsule(["-mode=cli", guest("get-env"), ...flags, "MESSAGE"], { env: { MESSAGE: "👋" } });
  assert.equal((await call([])).stdout, "👋\n");
  assert.equal((await call(["-allowEnv=OTHER,MESSAGE"])).stdout, "👋\n");
  const other = await call(["-allowEnv=OTHER"]);
  assert.deepEqual([other.code, other.stdout], [1, ""]);
  assert.match(other.stderr, /-allowEnv=MESSAGE would allow it/);
  assert.match((await call(["-sandbox"])).stderr, /-sandbox/);
});

Deno.test("env: a variable that is set but empty is empty, as in 0.1.3", async () => {
  const { code, stderr } = await runCapsule(["-mode=cli", guest("get-env"), "MESSAGE"], {
    env: { MESSAGE: "" },
  });
  assert.deepEqual([code, stderr], [1, "MESSAGE is empty\n"]);
  const { stdout } = await runCapsule(["-mode=cli", environment], { env: { MESSAGE: "👋 there" } });
  assert.match(stdout, /👋 there/);
});

Deno.test("host: Ping counts, and host information is empty without a port", async () => {
  const { stdout } = await runCapsule(["-mode=cli", guest("ping"), "☹"]);
  assert.equal(stdout, "🏓 pong: ☹ : 1\n🏓 pong: ☹ : 2\n{}\n");
});

Deno.test("timeout: exit code 124 for a call that computes, waits, or waits in _start", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const sleeping = (["callHandle", "_start"] as const).map((where) => {
      Deno.writeFileSync(`${folder}/${where}.wasm`, sleeper(where));
      return `-wasm=${folder}/${where}.wasm`;
    });
    for (const module of [guest("cli-loop"), ...sleeping]) {
      const { code, stdout, stderr } = await runCapsule(["-mode=cli", module, "-timeout=200ms"]);
      assert.deepEqual({ code, stdout }, { code: 124, stdout: "" });
      assert.match(
        stderr,
        /^the function was stopped after \d+ ms: '-timeout' allows 200 ms\n$/,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("url: downloads a module, and uses the saved copy if the server is away", async () => {
  const folder = await Deno.makeTempDir();
  const module = await Deno.readFile(at("examples/hello-cli/hello.wasm"));
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(module),
  );
  const args = [
    "-mode=cli",
    `-url=http://127.0.0.1:${server.addr.port}/hello.wasm`,
    "-wasm=./tmp/hello.wasm",
    "hi",
  ];
  try {
    const first = await runCapsule(args, { cwd: folder });
    assert.deepEqual([first.code, first.stdout], [
      0,
      "- parameter is: hi\nThe first parameter is: hi\n",
    ]);
    assert.deepEqual(await Deno.readFile(`${folder}/tmp/hello.wasm`), module);
    await server.shutdown();
    const second = await runCapsule(args, { cwd: folder });
    assert.deepEqual([second.code, second.stdout], [0, first.stdout]);
    assert.match(second.stderr, /^warning: /m);
    await Deno.remove(`${folder}/tmp`, { recursive: true });
    const third = await runCapsule(args, { cwd: folder });
    assert.equal(third.code, 1);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("http: SIGTERM finishes a call in progress", async () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const upstream = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    arrived.resolve();
    await release.promise;
    return new Response("late");
  });
  await using server = await startCapsule(["-mode=http", guest("upstream")], {
    env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.addr.port}/` },
  });
  const answer = fetch(server.url);
  await arrived.promise;
  server.kill("SIGTERM");
  await server.stdout.line((line) => line.startsWith('{"event":"draining"'));
  release.resolve();
  assert.equal(await (await answer).text(), "late");
  assert.equal((await server.status).code, 0);
  await upstream.shutdown();
});

Deno.test("dir, env: WASI sees what they name and nothing else, in cli and http", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeTextFile(`${folder}/data/a.txt`, "granted ☹");
    await Deno.writeTextFile(`${folder}/own.txt`, "of the working directory");
    const env = { MINE: "👋", OTHER: "not yours", CAPSULE_ADMIN_TOKEN: "secret" };
    const flags = [guest("wasi-view"), "-dir=data", "-env=MINE", "-env=GIVEN=a=b"];
    const seen = "MINE=👋,GIVEN=a=b\n";
    const cli = async (flags: string[], path: string) =>
      (await runCapsule(["-mode=cli", ...flags, path], { cwd: folder, env })).stdout;
    assert.equal(await cli(flags, "data/a.txt"), `${seen}granted ☹\n`);
    assert.equal(await cli(flags, "own.txt"), `${seen}refused\n`);
    assert.equal(await cli(flags, "data/../own.txt"), `${seen}refused\n`);
    assert.equal(await cli([guest("wasi-view")], "own.txt"), "\nrefused\n");
    assert.equal(await cli([...flags, "-sandbox"], "data/a.txt"), `${seen}refused\n`);
    await using server = await startCapsule(["-mode=http", ...flags], { cwd: folder, env });
    const post = async (body: string) =>
      await (await fetch(server.url, { method: "POST", body })).text();
    assert.equal(await post("data/a.txt"), `${seen}granted ☹`);
    assert.equal(await post("own.txt"), `${seen}refused`);
  });
});

Deno.test("maxMemory: a module that starts with more is refused, and the message names the flag", () =>
  inFolder(async (folder) => {
    // (module (memory (export "memory") 5000) (func (export "_start")))
    await Deno.writeFile(
      `${folder}/large.wasm`,
      Uint8Array.fromHex(
        "0061736d01000000010401600000030201000504010088270713020" +
          "66d656d6f72790200065f737461727400000a040102000b",
      ),
    );
    for (const mode of ["cli", "http"]) {
      const { code, stderr } = await runCapsule(
        [
          `-mode=${mode}`,
          "-httpPort=0",
          "-wasm=large.wasm",
        ].filter((flag) => mode === "http" || flag !== "-httpPort=0"),
        { cwd: folder },
      );
      assert.equal(code, 1);
      assert.match(
        stderr,
        /large\.wasm.* memory starts with 312\.5MiB, more than -maxMemory=256MiB allows\n$/,
        mode,
      );
    }
    const { code } = await runCapsule(["-mode=cli", "-maxMemory=313MiB", "-wasm=large.wasm"], {
      cwd: folder,
    });
    assert.equal(code, 0);
  }));
