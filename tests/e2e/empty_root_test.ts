/**
 * The compiled program in a root directory with the C library, `/proc` and the name `localhost`,
 * and nothing else: no shell, no Deno, no home, no folder for temporary files. Only with
 * CAPSULE_BIN, and only as root, which chroot requires.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { runProgram } from "../testing/system_program.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const binary = Deno.env.get("CAPSULE_BIN");
const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
/** An unprivileged user and group. */
const unprivileged = 65534;
const canChangeRoot = Deno.build.os === "linux" && Deno.uid() === 0 &&
  (await runProgram(["unshare", "--mount", "true"])).code === 0;

/** Makes the root directory and returns the command that starts the program in it. */
async function makeRoot(root: string): Promise<string[]> {
  await Deno.chmod(root, 0o755);
  await Deno.copyFile(binary ?? "", `${root}/capsule`);
  const { stdout } = await runProgram(["ldd", `${root}/capsule`]);
  for (const [path] of stdout.matchAll(/\/\S+(?= \()/g)) {
    await Deno.mkdir(`${root}${path.replace(/[^/]*$/, "")}`, { recursive: true });
    await Deno.copyFile(path, root + path);
  }
  for (const name of ["proc", "etc", "modules", "data"]) await Deno.mkdir(`${root}/${name}`);
  await Deno.writeTextFile(`${root}/etc/hosts`, "127.0.0.1 localhost\n");
  await Deno.chown(`${root}/data`, unprivileged, unprivileged);
  for (
    const [from, to] of [
      ["hello/hello", "hello"],
      ["hello-cli/hello", "hello-cli"],
      ["redis/redis", "redis"],
      ["couchbase/couchbase", "couchbase"],
    ]
  ) {
    await Deno.copyFile(`${examples}${from}.wasm`, `${root}/modules/${to}.wasm`);
  }
  // The command ends with the shell's $0, the program that would run outside.
  const enter =
    `mount -t proc proc '${root}/proc' && exec chroot --userspec=${unprivileged}:${unprivileged} '${root}' /capsule "$@"`;
  return ["unshare", "--mount", "--propagation=private", "bash", "-c", enter];
}

Deno.test({
  name: "program: calls, stores and runs a platform in a root with the C library only",
  ignore: binary === undefined || !(canChangeRoot || Deno.env.get("CI")),
  async fn() {
    await inFolder(async (root) => {
      const under = await makeRoot(root);
      const call = (...args: string[]) => runCapsule(["-mode=cli", ...args], { under });
      assert.equal((await call("Bob")).stdout, "👋 Hello Bob 🌍\n");
      assert.match(
        (await call("-wasm=/modules/hello-cli.wasm", "👋")).stdout,
        /The first parameter is: 👋\n$/,
      );
      assert.match(
        (await call("-wasm=/modules/redis.wasm", "-data=/data/store")).stdout,
        /Hello World\n$/,
      );
      const query = () =>
        runCapsule(["-mode=cli", "-wasm=/modules/couchbase.wasm"], {
          under,
          env: { TMPDIR: "/data" },
        });
      const without = await query();
      assert.equal(without.code, 1);
      assert.match(
        without.stdout,
        /^this system cannot load the Couchbase client: .*'\/dev\/urandom'\n/,
      );
      await Deno.mkdir(`${root}/dev`);
      await Deno.writeTextFile(`${root}/dev/urandom`, "");
      const withoutZlib = await query();
      assert.equal(withoutZlib.code, 1);
      assert.match(
        withoutZlib.stdout,
        /^this system cannot load the Couchbase client: libz\.so\.1: cannot open/,
      );

      await using platform = await startCapsule([
        ...[
          "-mode=faas",
          "-data=/data/platform",
          "-registryPort=0",
          "-proxyPort=0",
          "-workerPort=0",
          "-httpPortCounter=0",
        ],
      ], { under });
      const { registry, proxy, worker } = platform.ready;
      const token = (await Deno.readTextFile(`${root}/data/platform/token`)).trim();
      const env = { CAPSULE_ADMIN_TOKEN: token };
      const pushed = await runCapsule(
        ["-mode=push", "-wasm=/modules/hello.wasm", `-url=${registry}/me/hello/0.0.0`],
        { under, env },
      );
      assert.equal(pushed.code, 0, pushed.stderr);
      const deployed = await fetch(`${worker}/functions/deploy`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({
          function: "hello",
          revision: "blue",
          downloadUrl: `${registry}/me/hello/0.0.0/hello.wasm`,
        }),
      });
      assert.equal(deployed.status, 202, await deployed.text());
      const answer = await fetch(`${proxy}/functions/hello/blue`, { method: "POST", body: "Bob" });
      assert.equal(await answer.text(), "👋 Hello World 🌍\n📝 you sent: Bob\n");
    }, "capsule-root-");
  },
});
