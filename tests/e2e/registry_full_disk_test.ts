import assert from "node:assert/strict";
import { form, pathsBelow, sha256, wasm } from "../registry/test_registry.ts";
import { type Running, startCapsule } from "../testing/capsule.ts";
import { SmallDisk, smallDiskTest } from "../testing/small_disk.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** The state of a registry: its modules with their digests, and the number of unfinished files. */
async function holds({ url }: Running, files: string) {
  const list: Record<string, string>[] = await (await fetch(`${url}/modules`)).json();
  return {
    modules: Object.fromEntries(list.map(({ module, digest }) => [module, digest])),
    paths: await pathsBelow(files),
    folders: await namesIn(`${files}/k33g`),
    unfinished: await pathsBelow(`${files}/.capsule/tmp`),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function upload({ url }: Running, module: string, bytes: Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${url}/upload/k33g/${module}/1`, {
    method: "POST",
    body: form(bytes, ""),
  });
  const { code, message } = await response.json();
  return { status: response.status, code, message };
}

const full = {
  status: 507,
  code: "DISK_FULL",
  message: "the registry's disk is full: nothing was changed",
};

/**
 * Uploads until the disk is full. Asserts that each refusal changes nothing, and that a new start
 * finds the last state.
 */
async function fill(start: () => Promise<Running>, files: string): Promise<void> {
  const there = new Map<string, string>();
  const expected = () => ({
    modules: Object.fromEntries(there),
    paths: Array.from(
      there.keys(),
      (module) => [`k33g/${module}/1/${module}.info`, `k33g/${module}/1/${module}.wasm`],
    )
      .flat().sort(),
    folders: Array.from(there.keys()).sort(),
    unfinished: [],
  });
  const put = async (server: Running, module: string, bytes: Uint8Array<ArrayBuffer>) => {
    const answer = await upload(server, module, bytes);
    if (answer.status === 200) there.set(module, sha256(bytes));
    else assert.deepEqual(answer, full);
    assert.deepEqual(await holds(server, files), expected());
    return answer.status;
  };
  {
    await using server = await start();
    assert.equal(await put(server, "big", wasm("big", 2_000_000)), 507);
    assert.equal(await put(server, "small", wasm("small", 3000)), 200);
    let next = 0;
    while (await put(server, `m${next}`, wasm(`module ${next}`)) === 200) next++;
    assert(next > 0);
    // Too large by much, by little, and through the OCI protocol.
    assert.equal(await put(server, "big", wasm("big", 2_000_000)), 507);
    const begun = await fetch(
      `${server.url}/v2/k33g/other/blobs/uploads/?digest=${sha256(wasm("other", 2_000_000))}`,
      {
        method: "POST",
        body: wasm("other", 2_000_000),
      },
    );
    assert.deepEqual([begun.status, (await begun.json()).errors[0].code], [507, "DISK_FULL"]);
    assert.deepEqual(await holds(server, files), expected());
    const got = await fetch(`${server.url}/k33g/small/1/small.wasm`);
    assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), there.get("small"));
  }
  // On the full disk it starts, has what it acknowledged, and still reports the fault.
  await using server = await start();
  assert.deepEqual(await holds(server, files), expected());
  assert.equal(await put(server, "big", wasm("big", 2_000_000)), 507);
}

async function fillDisk(bounds: string): Promise<void> {
  await inFolder(async (folder) => {
    await using disk = await SmallDisk.mount(folder, bounds);
    const { under } = disk;
    await fill(() => startCapsule(["-mode=registry", `-files=${folder}`], { under }), disk.path);
  }, "capsule-full-");
}

smallDiskTest(
  "registry: a full disk is a 507 that changes nothing, and does not prevent a start",
  async () => {
    await fillDisk("size=256k");
  },
);

// An upload creates ten files and folders: each of these bounds stops it at another one.
const extraFiles = Deno.env.get("CAPSULE_TEST_FULL") ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] : [0, 4, 7];
for (const more of extraFiles) {
  smallDiskTest(
    `registry: a disk with room for ${60 + more} files is a 507, and does not prevent a start`,
    async () => {
      await fillDisk(`size=1m,nr_inodes=${60 + more}`);
    },
  );
}

smallDiskTest("registry: serves a module whose folder was lost from a full disk", async () => {
  await inFolder(async (folder) => {
    await using disk = await SmallDisk.mount(folder, "size=1m,nr_inodes=60");
    const start = () => startCapsule(["-mode=registry", `-files=${folder}`], { under: disk.under });
    const module = wasm("small", 3000);
    {
      await using server = await start();
      assert.equal((await upload(server, "small", module)).status, 200);
    }
    await Deno.remove(`${disk.path}/k33g`, { recursive: true });
    let made = 0;
    try {
      for (; made < 60; made++) await Deno.writeTextFile(`${disk.path}/file ${made}`, "");
    } catch (error) {
      assert.equal(Reflect.get(Object(error), "code"), "ENOSPC");
    }
    assert(made < 60, "the disk is not full");
    {
      await using server = await start();
      const got = await fetch(`${server.url}/k33g/small/1/small.wasm`);
      assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), sha256(module));
      await server.stop();
      assert.match(
        server.stderr.text,
        /the folder of k33g\/small\/1 is not repaired: the registry's disk is full/,
      );
    }
    for (let index = 0; index < made; index++) await Deno.remove(`${disk.path}/file ${index}`);
    await using _ = await start();
    assert.deepEqual(await pathsBelow(disk.path), [
      "k33g/small/1/small.info",
      "k33g/small/1/small.wasm",
    ]);
  }, "capsule-full-");
});

Deno.test("registry: a file at its size limit is a 507 that changes nothing", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-full-" });
  // The largest file that the process may write, in blocks of 512 bytes, without its signal.
  const under = ["sh", "-c", `trap '' XFSZ; ulimit -f 60; exec "$@"`, "sh"];
  try {
    await fill(() => startCapsule(["-mode=registry", `-files=${folder}`], { under }), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
