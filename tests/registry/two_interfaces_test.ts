import assert from "node:assert/strict";
import { bytesOf, form, pathsBelow, sha256, testRegistry, wasm } from "./test_registry.ts";
import { emptyConfig, encode, layer, pushBlob, pushManifest } from "./oci/requests.ts";

Deno.test("interfaces: an upload has a manifest, and a pushed artifact has a folder", async () => {
  await using server = await testRegistry();
  const module = wasm("hola");
  await (await server.call("POST", "/upload/k33g/hola/1", { body: form(module, "text") })).body
    ?.cancel();
  const manifest = await (await server.call("GET", "/v2/k33g/hola/manifests/1")).json();
  assert.equal(manifest.config.mediaType, "application/vnd.wasm.config.v0+json");
  assert.deepEqual(manifest.layers, [layer(module, "application/wasm", "hola.wasm")]);
  assert.equal(manifest.annotations["org.opencontainers.image.description"], "text");
  const config = await (await server.call("GET", `/v2/k33g/hola/blobs/${manifest.config.digest}`))
    .json();
  assert.deepEqual(config.layerDigests, [sha256(module)]);

  for (
    const [tag, type, title] of [["1", "application/wasm", undefined], [
      "2",
      "application/octet-stream",
      "x.wasm",
    ]] as const
  ) {
    const pushed = wasm(`pushed ${tag}`);
    await pushBlob(server, "bob/hey", pushed);
    await pushManifest(server, "bob/hey", tag, {
      config: emptyConfig,
      layers: [layer(pushed, type, title)],
      annotations: { "org.opencontainers.image.description": "a\ntext" },
    });
    assert.deepEqual(await bytesOf(await server.call("GET", `/bob/hey/${tag}/hey.wasm`)), pushed);
    assert.deepEqual(await Deno.readFile(`${server.files}/bob/hey/${tag}/hey.wasm`), pushed);
    assert.equal(await Deno.readTextFile(`${server.files}/bob/hey/${tag}/hey.info`), "a text\n");
  }
});

Deno.test("interfaces: a container image with one .wasm in its layers is a module", async () => {
  await using server = await testRegistry();
  const module = wasm("in an archive", 2000);
  const files: [string, Uint8Array][] = [["etc/readme.txt", encode("read me")], [
    "app/main.wasm",
    module,
  ]];
  const packed = tar(files);
  const gzip = await bytesOf(
    new Response(new Blob([packed]).stream().pipeThrough(new CompressionStream("gzip"))),
  );
  for (
    const [tag, bytes, suffix] of [["plain", packed, ""], [
      "packed",
      new Uint8Array(gzip),
      "+gzip",
    ]] as const
  ) {
    await pushBlob(server, "k33g/image", bytes);
    const type = `application/vnd.oci.image.layer.v1.tar${suffix}`;
    await pushManifest(server, "k33g/image", tag, {
      config: emptyConfig,
      layers: [layer(bytes, type)],
    });
    assert.deepEqual(
      await bytesOf(await server.call("GET", `/k33g/image/${tag}/image.wasm`)),
      module,
    );
  }
  // No manifest references the unpacked module; it is kept all the same.
  assert.equal(
    await server.registry.store.blobs.collectGarbage(Date.now() + 100 * 24 * 3_600_000),
    0,
  );
  const two = tar([...files, ["other.wasm", module]]);
  await pushBlob(server, "k33g/image", two);
  const layers = [layer(two, "application/vnd.oci.image.layer.v1.tar")];
  await pushManifest(server, "k33g/image", "two", { layers });
  assert.equal((await server.call("GET", "/k33g/image/two/image.wasm")).status, 404);
});

Deno.test("interfaces: a tag that moves removes its module; deep repositories are only listed", async () => {
  await using server = await testRegistry();
  const module = wasm("m");
  for (const repository of ["k33g/hola", "a/b/c", "alone"]) {
    await pushBlob(server, repository, module);
    await pushManifest(server, repository, "1", { layers: [layer(module, "application/wasm")] });
  }
  assert.deepEqual(await pathsBelow(server.files), [
    "k33g/hola/1/hola.info",
    "k33g/hola/1/hola.wasm",
  ]);
  const list = await (await server.call("GET", "/modules")).json();
  assert.deepEqual(
    list.map(({ user, module, path }: Record<string, string | null>) => [user, module, path]),
    [["a/b", "c", null], ["", "alone", null], [
      "k33g",
      "hola",
      `${server.files}/k33g/hola/1/hola.wasm`,
    ]],
  );
  await pushManifest(server, "k33g/hola", "1", { layers: [] });
  assert.equal((await server.call("GET", "/k33g/hola/1/hola.wasm")).status, 404);
  assert.deepEqual(await pathsBelow(server.files), []);
});

/** Makes a tar archive of files. */
function tar(files: readonly [string, Uint8Array][]): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [name, bytes] of files) {
    const header = new Uint8Array(512);
    header.set(encode(name), 0);
    header.set(encode(`${bytes.length.toString(8).padStart(11, "0")}\0`), 124);
    header[156] = 0x30;
    header.set(encode("ustar\x0000"), 257);
    header.fill(0x20, 148, 156);
    const sum = header.reduce((sum, byte) => sum + byte, 0);
    header.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    const content = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    content.set(bytes);
    blocks.push(header, content);
  }
  blocks.push(new Uint8Array(1024));
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
