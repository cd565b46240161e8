import assert from "node:assert/strict";
import { digestOf, manifestOf, module, registry, sha256, withCache } from "./fake_registry.ts";

Deno.test("pullModule: resolves a tag each time, and fetches its blob once", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    const url = `oci://${server.host}/a/b:1`;
    const first = await pull(url);
    assert.deepEqual([first.outcome, first.sha256], ["downloaded", sha256]);
    assert.deepEqual(await Deno.readFile(first.path), module);
    assert.equal((await pull(url)).outcome, "unchanged");
    assert.deepEqual(server.requests, [
      "GET /v2/a/b/manifests/1",
      `GET /v2/a/b/blobs/sha256:${sha256}`,
      "GET /v2/a/b/manifests/1",
    ]);
  });
});

Deno.test("pullModule: follows a tag that moved, and logs it", async () => {
  await using server = registry();
  await withCache(async (pull, { stderr }) => {
    const url = `oci://${server.host}/a:1`;
    await pull(url);
    const before = digestOf(server.manifest);
    server.blob = Uint8Array.of(...module, 0, 1, 0);
    server.manifest = manifestOf(server.blob);
    assert.equal((await pull(url)).sha256, digestOf(server.blob).slice(7));
    assert(
      stderr().includes(
        `${url} has moved: it was ${before}, and is ${digestOf(server.manifest)} now`,
      ),
      stderr(),
    );
  });
});

Deno.test("pullModule: uses an intact copy while the registry is unavailable, not when it refuses", async () => {
  await withCache(async (pull, { stderr }) => {
    const server = registry();
    const url = `oci://${server.host}/a:1`;
    const { path } = await pull(url);
    server.before = () => new Response("later", { status: 503 });
    assert.equal((await pull(url)).outcome, "cached");
    server.before = () =>
      new Response('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}', {
        status: 404,
      });
    await assert.rejects(pull(url), /responded with 404 to GET .*: no such thing$/);
    await server[Symbol.asyncDispose]();
    assert.equal((await pull(url)).outcome, "cached");
    assert.match(stderr(), /warning: .*using the copy pulled earlier/);
    await Deno.writeFile(path, Uint8Array.of(...module, 0, 1, 0));
    await assert.rejects(pull(url), { code: "DOWNLOAD" });
  });
});

Deno.test("pullModule: needs no registry for a digest, or -sha256, that is cached", async () => {
  await withCache(async (pull) => {
    const server = registry();
    const url = `oci://${server.host}/a@${digestOf(server.manifest)}`;
    assert.equal((await pull(url)).outcome, "downloaded");
    await server[Symbol.asyncDispose]();
    assert.equal((await pull(url)).outcome, "cached");
    assert.equal((await pull(`oci://${server.host}/other:1`, { sha256 })).outcome, "cached");
  });
});

Deno.test("pullModule: refuses a manifest, layer or module with another digest", async () => {
  await using server = registry();
  await withCache(async (pull, { folder }) => {
    const url = `oci://${server.host}/a:1`;
    await assert.rejects(pull(`oci://${server.host}/a@${digestOf("other")}`), { code: "DIGEST" });
    await assert.rejects(pull(url, { sha256: "0".repeat(64) }), { code: "DIGEST" });
    for (
      const blob of [
        Uint8Array.of(...module, 0, 0),
        module.slice(0, -1),
        Uint8Array.of(...module.slice(0, -1), 9),
      ]
    ) {
      server.blob = blob;
      await assert.rejects(pull(url), { code: "DIGEST" });
    }
    server.before = () =>
      new Response(server.manifest, { headers: { "docker-content-digest": digestOf("x") } });
    await assert.rejects(pull(url), { code: "DIGEST" });
    assert.deepEqual(Array.from(Deno.readDirSync(`${folder}/cache/sha256`)), []);
  });
});

Deno.test("pullModule: takes the WebAssembly manifest of an index, and refuses one without a module", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    const inner = manifestOf(module);
    const entry = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: digestOf(inner),
      size: inner.length,
    };
    const other = {
      ...entry,
      digest: digestOf("amd64"),
      platform: { architecture: "amd64", os: "linux" },
    };
    const index = (manifests: unknown[]) => JSON.stringify({ schemaVersion: 2, manifests });
    server.manifest = index([
      other,
      { ...entry, platform: { architecture: "wasm", os: "wasip1" } },
    ]);
    server.before = (_, url) =>
      url.pathname.endsWith(digestOf(inner)) ? new Response(inner) : undefined;
    assert.equal((await pull(`oci://${server.host}/a:1`)).sha256, sha256);
    const rows: [string, RegExp][] = [
      [index([other, other]), /none of its 2 manifests is for WebAssembly/],
      [JSON.stringify({ schemaVersion: 2, layers: [] }), /no \.wasm in its layers/],
      [
        manifestOf(module, { layers: [0, 1].map(() => JSON.parse(inner).layers[0]) }),
        /it has 2 of them/,
      ],
      ["<html>", /cannot be used: a manifest is JSON/],
      ["{}", /"schemaVersion" of a manifest is 2/],
      [JSON.stringify({ schemaVersion: 2 }), /neither layers nor manifests/],
    ];
    for (const [manifest, message] of rows) {
      server.manifest = manifest;
      await assert.rejects(pull(`oci://${server.host}/a:2`), (error) => {
        assert(error instanceof Error);
        assert.match(error.message, message);
        assert.equal(Reflect.get(error, "code"), "NOT_A_MODULE");
        return true;
      });
    }
  });
});

Deno.test("pullModule: gives up on a registry that stops in the middle of a body", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    const url = `oci://${server.host}/a:1`;
    const stalled = (bytes: Uint8Array) =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(bytes) }));
    for (const kind of ["manifests", "blobs"]) {
      server.before = (_, { pathname }) =>
        pathname.includes(`/${kind}/`) ? stalled(module.slice(0, 5)) : undefined;
      const error = { code: "DOWNLOAD", message: /broke off: no data for 0\.02 s/ };
      await assert.rejects(pull(url, { idleMs: 20 }), error);
    }
  });
});

Deno.test("pullModule: refuses an endless manifest as too large", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    let sent = 0;
    server.before = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 65_536;
            controller.enqueue(new Uint8Array(65_536).fill(0x20));
          },
        }),
      );
    await assert.rejects(pull(`oci://${server.host}/a:1`), {
      code: "DOWNLOAD",
      message: /^the manifest of .* is over 4194304 bytes$/,
    });
    assert(sent < 100 * 1024 * 1024, `${sent} bytes`);
  });
});

Deno.test("pullModule: reads only the beginning of an endless error", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    let sent = 0;
    server.before = () => {
      const body = new ReadableStream({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      return new Response(body, { status: 404 });
    };
    await assert.rejects(pull(`oci://${server.host}/a:1`), { code: "REGISTRY", status: 404 });
    assert(sent < 100 * 1024 * 1024, `${sent} bytes`);
  });
});
