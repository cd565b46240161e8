import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { sha256 } from "../registry/registry_for_test.ts";
import { TextCollector } from "../testing/text_collector.ts";

const example = new URL("../../examples/hello-http/hello.wasm", import.meta.url).pathname;

/** Debian's packages of these names; where they must be there, their absence is a failure. */
async function missing(program: string): Promise<boolean> {
  if (Deno.env.get("CI")) return false;
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

async function skopeo(...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("skopeo", {
    args: ["--insecure-policy", ...args],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Debian's docker-registry in a folder of its own; it says on stderr where it listens. */
async function dockerRegistry(folder: string): Promise<AsyncDisposable & { host: string }> {
  const config = `${folder}/docker-registry.yml`;
  await Deno.writeTextFile(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/docker}}\nhttp: {addr: "127.0.0.1:0"}\n`,
  );
  const child = new Deno.Command("docker-registry", {
    args: ["serve", config],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = new TextCollector(child.stderr);
  const line = await log.line((text) => /listening on (127\.0\.0\.1:\d+)/.test(text));
  return {
    host: /listening on (127\.0\.0\.1:\d+)/.exec(line ?? "")?.[1] ?? "",
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await log.done;
    },
  };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-peers-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("push and pull by http and by oci, and a second start without the registry", async () => {
  await inFolder(async (folder) => {
    const bytes = await Deno.readFile(example);
    const token = ["-adminToken=s3cret"];
    const server = await startCapsule(["-mode=registry", `-files=${folder}/m`, ...token]);
    const { host } = new URL(server.url);
    const push = (...args: string[]) => runCapsule(["-mode=push", `-wasm=${example}`, ...args]);

    const refused = await push(`-url=${server.url}/k33g/hey/1`);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /answers 401/);
    const first = await push(`-url=${server.url}/k33g/hey/1`, "-info=hey 👋", ...token);
    assert.equal(first.stdout, `${server.url}/k33g/hey/1/hey.wasm ${sha256(bytes)}\n`, first.stderr);
    assert.equal(await (await fetch(`${server.url}/info/k33g/hey/1`)).text(), "hey 👋\n");

    const second = await push(`-url=oci://${host}/k33g/hey:2`, ...token);
    const reference = second.stdout.trim();
    assert.match(reference, /^oci:\/\/127\.0\.0\.1:\d+\/k33g\/hey:2@sha256:[0-9a-f]{64}$/, second.stderr);

    const cache = `-cache=${folder}/cache`;
    const pulled = await runCapsule([
      "-mode=pull",
      `-url=${reference}`,
      `-wasm=${folder}/new/hey.wasm`,
      cache,
    ]);
    assert.equal(pulled.stdout, `${folder}/new/hey.wasm ${sha256(bytes)}\n`, pulled.stderr);
    assert.deepEqual(await Deno.readFile(`${folder}/new/hey.wasm`), bytes);
    const byHttp = await runCapsule([
      "-mode=pull",
      `-url=${server.url}/k33g/hey/1/hey.wasm`,
      `-wasm=${folder}/h.wasm`,
    ]);
    assert.equal(byHttp.stdout, `${folder}/h.wasm ${sha256(bytes)}\n`, byHttp.stderr);

    for (const away of [false, true]) {
      if (away) await server.stop();
      await using serving = await startCapsule(["-mode=http", `-url=oci://${host}/k33g/hey:2`, cache], {
        env: { MESSAGE: "hello" },
      });
      const answer = await fetch(serving.url, { method: "POST", body: "hello" });
      assert.deepEqual([answer.status, await answer.text()], [200, `{"message": "hey people!"}`]);
      await serving.stop();
      assert.equal(/going on with the copy/.test(serving.stderr.text), away);
    }
  });
});

Deno.test("a module of some megabytes is pushed in chunks", async () => {
  await inFolder(async (folder) => {
    const big = new Uint8Array(9_000_000);
    big.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    // One custom section over all the rest: its size takes four bytes.
    const size = big.length - 13;
    big.set([0, (size & 127) | 128, ((size >> 7) & 127) | 128, ((size >> 14) & 127) | 128, size >> 21], 8);
    await Deno.writeFile(`${folder}/big.wasm`, big);
    await using server = await startCapsule(["-mode=registry", `-files=${folder}/m`]);
    const url = `oci://${new URL(server.url).host}/k33g/big:1`;
    const pushed = await runCapsule(["-mode=push", `-wasm=${folder}/big.wasm`, `-url=${url}`]);
    assert.equal(pushed.code, 0, pushed.stderr);
    const got = await fetch(`${server.url}/k33g/big/1/big.wasm`);
    assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), sha256(big));
  });
});

Deno.test("-url without -wasm is refused unless it is oci:, -sha256 where there is no module", async () => {
  const url = await runCapsule(["-url=http://localhost:1/x"]);
  assert.deepEqual([url.code, url.stderr], [2, "capsule: -url also needs -wasm=PATH\n"]);
  const digest = await runCapsule([`-sha256=${"a".repeat(64)}`]);
  assert.deepEqual([digest.code, digest.stderr], [2, "capsule: -sha256 also needs -wasm=PATH\n"]);
});

Deno.test("skopeo copies modules out of the registry and into it, with the token as password", {
  ignore: await missing("skopeo"),
}, async () => {
  await inFolder(async (folder) => {
    const bytes = await Deno.readFile(example);
    await using server = await startCapsule([
      "-mode=registry",
      `-files=${folder}/m`,
      "-adminToken=s3cret",
      "-readToken=r3ad",
    ]);
    const { host } = new URL(server.url);
    const url = `oci://${host}/k33g/hey:1`;
    const pushed = await runCapsule(["-mode=push", `-wasm=${example}`, `-url=${url}`, "-adminToken=s3cret"]);
    assert.equal(pushed.code, 0, pushed.stderr);
    await skopeo(
      ...["copy", "--src-tls-verify=false", "--dest-tls-verify=false"],
      ...["--src-creds=me:r3ad", "--dest-creds=me:s3cret"],
      ...[`docker://${host}/k33g/hey:1`, `docker://${host}/copied/hey:2`],
    );
    const got = await fetch(`${server.url}/copied/hey/2/hey.wasm`, {
      headers: { authorization: "Bearer r3ad" },
    });
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
    await skopeo(
      "copy",
      "--src-tls-verify=false",
      "--src-creds=me:r3ad",
      `docker://${host}/copied/hey:2`,
      `dir:${folder}/out`,
    );
    assert.deepEqual(await Deno.readFile(`${folder}/out/${sha256(bytes).slice(7)}`), bytes);
    const tags = await skopeo(
      "list-tags",
      "--tls-verify=false",
      "--creds=me:r3ad",
      `docker://${host}/copied/hey`,
    );
    assert.deepEqual(JSON.parse(tags).Tags, ["2"]);
  });
});

Deno.test("docker-registry takes what we push, and we what it has", {
  ignore: await missing("docker-registry") || await missing("skopeo"),
}, async () => {
  await inFolder(async (folder) => {
    const bytes = await Deno.readFile(example);
    await using theirs = await dockerRegistry(folder);
    await using ours = await startCapsule(["-mode=registry", `-files=${folder}/m`]);
    const { host } = new URL(ours.url);
    const pushed = await runCapsule([
      "-mode=push",
      `-wasm=${example}`,
      `-url=oci://${theirs.host}/k33g/hey:1`,
    ]);
    assert.equal(pushed.code, 0, pushed.stderr);
    const pull = ["-mode=pull", `-url=oci://${theirs.host}/k33g/hey:1`, `-cache=${folder}/cache`];
    const pulled = await runCapsule([...pull, `-wasm=${folder}/hey.wasm`]);
    assert.equal(pulled.stdout, `${folder}/hey.wasm ${sha256(bytes)}\n`, pulled.stderr);
    const plain = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    await skopeo(...plain, `docker://${theirs.host}/k33g/hey:1`, `docker://${host}/k33g/hey:1`);
    await skopeo(...plain, `docker://${host}/k33g/hey:1`, `docker://${theirs.host}/back/hey:1`);
    const got = await fetch(`${ours.url}/k33g/hey/1/hey.wasm`);
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
    const listed = await fetch(`http://${theirs.host}/v2/back/hey/tags/list`);
    assert.deepEqual((await listed.json()).tags, ["1"]);
  });
});
