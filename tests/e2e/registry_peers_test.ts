import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { isInstalled } from "../testing/is_installed.ts";
import { sha256 } from "../registry/test_registry.ts";
import { TextCollector } from "../testing/text_collector.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const example = new URL("../../examples/hello-http/hello.wasm", import.meta.url).pathname;

const here = new Map<string, boolean>();
for (const program of ["skopeo", "oras", "docker-registry"] as const) {
  here.set(program, await isInstalled(program, program === "oras" ? "version" : "--version"));
}

/**
 * Defines a test that needs programs (Debian has them; `scripts/install_oras.sh` builds oras).
 * Without them it is skipped with a note; under CI, which installs them, it fails.
 */
function peerTest(programs: readonly string[], name: string, fn: () => Promise<void>): void {
  const lacks = programs.filter((program) => !here.get(program));
  if (lacks.length === 0 || Deno.env.get("CI")) return Deno.test(name, fn);
  Deno.test({
    name: `${name} (skipped: ${lacks.join(" and ")} is not on the PATH)`,
    ignore: true,
    fn,
  });
}

/** Runs a program and returns its output and exit code. */
async function run(program: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const { stdout, stderr, code } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function succeeding(program: string, ...args: string[]): Promise<string> {
  const { code, text } = await run(program, ...args);
  assert.equal(code, 0, `${program} ${args.join(" ")}\n${text}`);
  return text;
}

const skopeo = (...args: string[]) => succeeding("skopeo", "--insecure-policy", ...args);

/** Starts Debian's docker-registry in a temporary folder; it prints its address on stderr. */
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

Deno.test("push and pull: by http and oci, and a second start without the registry", async () => {
  await inFolder(async (folder) => {
    const bytes = await Deno.readFile(example);
    const token = ["-adminToken=s3cret"];
    const server = await startCapsule(["-mode=registry", `-files=${folder}/m`, ...token]);
    const { host } = new URL(server.url);
    const push = (...args: string[]) => runCapsule(["-mode=push", `-wasm=${example}`, ...args]);

    const refused = await push(`-url=${server.url}/k33g/hey/1`);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /responded with 401/);
    const first = await push(`-url=${server.url}/k33g/hey/1`, "-info=hey 👋", ...token);
    assert.equal(
      first.stdout,
      `${server.url}/k33g/hey/1/hey.wasm ${sha256(bytes)}\n`,
      first.stderr,
    );
    assert.equal(await (await fetch(`${server.url}/info/k33g/hey/1`)).text(), "hey 👋\n");

    const second = await push(`-url=oci://${host}/k33g/hey:2`, ...token);
    const reference = second.stdout.trim();
    assert.match(
      reference,
      /^oci:\/\/127\.0\.0\.1:\d+\/k33g\/hey:2@sha256:[0-9a-f]{64}$/,
      second.stderr,
    );

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
      await using serving = await startCapsule([
        "-mode=http",
        `-url=oci://${host}/k33g/hey:2`,
        cache,
      ], {
        env: { MESSAGE: "hello" },
      });
      const answer = await fetch(serving.url, { method: "POST", body: "hello" });
      assert.deepEqual([answer.status, await answer.text()], [200, `{"message": "hey people!"}`]);
      await serving.stop();
      assert.equal(/using the copy/.test(serving.stderr.text), away);
    }
  });
});

Deno.test("push: sends a module of some megabytes in chunks", async () => {
  await inFolder(async (folder) => {
    const big = new Uint8Array(9_000_000);
    big.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    // One custom section: its size takes four bytes.
    const size = big.length - 13;
    big.set([
      0,
      (size & 127) | 128,
      ((size >> 7) & 127) | 128,
      ((size >> 14) & 127) | 128,
      size >> 21,
    ], 8);
    await Deno.writeFile(`${folder}/big.wasm`, big);
    await using server = await startCapsule(["-mode=registry", `-files=${folder}/m`]);
    const url = `oci://${new URL(server.url).host}/k33g/big:1`;
    const pushed = await runCapsule(["-mode=push", `-wasm=${folder}/big.wasm`, `-url=${url}`]);
    assert.equal(pushed.code, 0, pushed.stderr);
    const got = await fetch(`${server.url}/k33g/big/1/big.wasm`);
    assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), sha256(big));
  });
});

Deno.test("-url: needs -wasm unless it is oci:, and -sha256 needs a module", async () => {
  const url = await runCapsule(["-url=http://localhost:1/x"]);
  assert.deepEqual([url.code, url.stderr], [2, "capsule: -url also needs -wasm=PATH\n"]);
  const digest = await runCapsule([`-sha256=${"a".repeat(64)}`]);
  assert.deepEqual([digest.code, digest.stderr], [2, "capsule: -sha256 also needs -wasm=PATH\n"]);
});

peerTest(
  ["skopeo"],
  "skopeo: copies modules from and to the registry, with the token as password",
  async () => {
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
      const pushed = await runCapsule([
        "-mode=push",
        `-wasm=${example}`,
        `-url=${url}`,
        "-adminToken=s3cret",
      ]);
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
  },
);

peerTest(
  ["docker-registry", "skopeo"],
  "docker-registry: accepts what we push, and serves what we pull",
  async () => {
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
  },
);

/** Starts a registry with the example, open for reading, with the admin token `s3cret`. */
async function withAdminOnly(
  work: (world: { host: string; url: string; folder: string }) => Promise<void>,
) {
  await inFolder(async (folder) => {
    await using server = await startCapsule([
      "-mode=registry",
      `-files=${folder}/m`,
      "-adminToken=s3cret",
    ]);
    const { host } = new URL(server.url);
    const url = `-url=oci://${host}/k33g/hey:1`;
    const pushed = await runCapsule(["-mode=push", `-wasm=${example}`, url, "-adminToken=s3cret"]);
    assert.equal(pushed.code, 0, pushed.stderr);
    await work({ host, url: server.url, folder });
  });
}

peerTest(
  ["oras"],
  "oras: is challenged for a password to write, and reads without one",
  () =>
    withAdminOnly(async ({ host, url, folder }) => {
      const bytes = await Deno.readFile(example);
      await Deno.copyFile(example, `${folder}/hola.wasm`);
      const own = ["--plain-http", "--registry-config", `${folder}/config.json`];
      const login = (password: string) =>
        run("oras", "login", ...own, "-u", "me", "-p", password, host);
      const push = (tag: string) =>
        run(
          ...["oras", "push", ...own, "--disable-path-validation"] as const,
          ...["--artifact-type", "application/vnd.wasm.config.v0+json", `${host}/k33g/hola:${tag}`],
          `${folder}/hola.wasm:application/wasm`,
        );

      await succeeding("oras", "pull", ...own, "-o", `${folder}/out`, `${host}/k33g/hey:1`);
      assert.deepEqual(await Deno.readFile(`${folder}/out/hey.wasm`), bytes);
      const refused = await push("1");
      assert.equal(refused.code, 1);
      assert.match(refused.text, /this needs the registry's token/);
      const wrong = await login("wrong");
      assert.equal(wrong.code, 1);
      assert.match(wrong.text, /the password is not the registry's token/);
      assert.deepEqual((await login("s3cret")).code, 0);
      const pushed = await push("1");
      assert.equal(pushed.code, 0, pushed.text);

      const got = await fetch(`${url}/k33g/hola/1/hola.wasm`);
      assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
      await using serving = await startCapsule(
        ["-mode=http", `-url=oci://${host}/k33g/hola:1`, `-cache=${folder}/cache`],
        { env: { MESSAGE: "hello" } },
      );
      const answer = await fetch(serving.url, { method: "POST", body: "hello" });
      assert.equal(await answer.text(), `{"message": "hey people!"}`);

      // The referrers of the module, such as its SBOM, are listed with it.
      await Deno.writeTextFile(`${folder}/sbom.json`, "{}");
      await succeeding(
        ...["oras", "attach", ...own, "--disable-path-validation"] as const,
        ...[
          "--artifact-type",
          "application/spdx+json",
          `${host}/k33g/hola:1`,
          `${folder}/sbom.json`,
        ],
      );
      const tree = await succeeding(
        "oras",
        "discover",
        ...own,
        "--format=json",
        `${host}/k33g/hola:1`,
      );
      assert.deepEqual(
        JSON.parse(tree).referrers.map(({ artifactType }: Record<string, string>) => artifactType),
        ["application/spdx+json"],
      );
      const tags = await succeeding("oras", "repo", "tags", ...own, `${host}/k33g/hola`);
      assert.equal(tags, "1\n");
      await succeeding("oras", "manifest", "delete", ...own, "--force", `${host}/k33g/hola:1`);
      const gone = await fetch(`${url}/k33g/hola/1/hola.wasm`);
      assert.deepEqual([gone.status, (await gone.json()).code], [404, "MODULE_NOT_FOUND"]);
    }),
);

peerTest(
  ["skopeo"],
  "skopeo: is challenged for a password to write, and reads without one",
  () =>
    withAdminOnly(async ({ host, folder }) => {
      const own = ["--tls-verify=false", "--authfile", `${folder}/auth.json`];
      const login = (password: string) =>
        run("skopeo", "login", ...own, "-u", "me", "-p", password, host);
      const plain = [
        "--insecure-policy",
        "copy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
      ];
      const copy = (to: string, ...more: string[]) =>
        run("skopeo", ...plain, ...more, `docker://${host}/k33g/hey:1`, to);
      assert.equal((await copy(`dir:${folder}/out`)).code, 0);
      const refused = await copy(`docker://${host}/k33g/copy:1`);
      assert.equal(refused.code, 1);
      assert.match(refused.text, /unauthorized: this needs the registry's token/);
      assert.match((await login("wrong")).text, /invalid username\/password/);
      assert.equal((await login("s3cret")).code, 0);
      const copied = await copy(
        `docker://${host}/k33g/copy:1`,
        "--authfile",
        `${folder}/auth.json`,
      );
      assert.equal(copied.code, 0, copied.text);
    }),
);

peerTest(
  ["docker-registry", "oras"],
  "oras: copies between docker-registry and this registry, both ways",
  () =>
    inFolder(async (folder) => {
      await using theirs = await dockerRegistry(folder);
      await using ours = await startCapsule(["-mode=registry", `-files=${folder}/m`]);
      const { host } = new URL(ours.url);
      await runCapsule(["-mode=push", `-wasm=${example}`, `-url=oci://${host}/k33g/hey:1`]);
      const copy = (from: string, to: string) =>
        succeeding("oras", "copy", "--recursive", "--from-plain-http", "--to-plain-http", from, to);
      await copy(`${host}/k33g/hey:1`, `${theirs.host}/k33g/hey:1`);
      await copy(`${theirs.host}/k33g/hey:1`, `${host}/back/hey:2`);
      const got = await fetch(`${ours.url}/back/hey/2/hey.wasm`);
      assert.deepEqual(new Uint8Array(await got.arrayBuffer()), await Deno.readFile(example));
    }),
);
