import assert from "node:assert/strict";
import { bytesOf, form, pathsBelow, sha256, testRegistry, wasm } from "../test_registry.ts";

Deno.test("upload: puts the module in its folder, and serves the same bytes", async () => {
  await using server = await testRegistry();
  const module = wasm("hola");
  const body = form(module, "hola function from @k33g", "hola.wasm");
  const uploaded = await server.call("POST", "/upload/k33g/hola/0.0.0", { body });
  assert.equal(await uploaded.text(), '{"code":"OK","message":"🙂 hola.wasm uploaded!"}');
  assert.equal(uploaded.status, 200);

  assert.deepEqual(await pathsBelow(server.files), [
    "k33g/hola/0.0.0/hola.info",
    "k33g/hola/0.0.0/hola.wasm",
  ]);
  assert.deepEqual(await Deno.readFile(`${server.files}/k33g/hola/0.0.0/hola.wasm`), module);
  assert.equal(
    await Deno.readTextFile(`${server.files}/k33g/hola/0.0.0/hola.info`),
    "hola function from @k33g\n",
  );
  for (const path of ["/k33g/hola/0.0.0/hola.wasm", "/upload/k33g/hola/0.0.0/hello.wasm"]) {
    const got = await server.call("GET", path);
    assert.equal(got.headers.get("content-type"), "application/wasm");
    assert.deepEqual(await bytesOf(got), module);
  }
  for (const name of ["typo.wasm", "hello.wasm", "hola.wat", "HOLA.wasm", "hola.info", "hola"]) {
    const wrong = await server.call("GET", `/k33g/hola/0.0.0/${name}`);
    assert.deepEqual([wrong.status, (await wrong.json()).code], [404, "PAGE_NOT_FOUND"], name);
  }
  const info = await server.call("GET", "/info/k33g/hola/0.0.0");
  assert.equal(await info.text(), "hola function from @k33g\n");
  assert.match(info.headers.get("content-type") ?? "", /^text\/plain/);
});

Deno.test("upload: keeps the description, empty or long, and refuses one that is too long", async () => {
  await using server = await testRegistry();
  await (await server.call("POST", "/upload/k33g/a/1", { body: form(wasm("a")) })).body?.cancel();
  assert.equal(await (await server.call("GET", "/info/k33g/a/1")).text(), "\n");
  const long = "👋 ".repeat(10_000) + "end";
  await (await server.call("POST", "/upload/k33g/b/1", { body: form(wasm("b"), long) })).body
    ?.cancel();
  assert.equal(await (await server.call("GET", "/info/k33g/b/1")).text(), long + "\n");
  const tooLong = await server.call("POST", "/upload/k33g/c/1", {
    body: form(wasm("c"), "x".repeat(65 * 1024)),
  });
  assert.equal(tooLong.status, 413);
  assert.equal((await tooLong.json()).code, "INFO_TOO_LARGE");
});

Deno.test("GET /modules: lists, filters and pages modules, as JSON and as text", async () => {
  await using server = await testRegistry();
  for (
    const [path, text] of [["k33g/hola/0.0.0", "a"], ["k33g/hola/0.0.1", "b"], ["bob/hey/1", "c"]]
  ) {
    await (await server.call("POST", `/upload/${path}`, { body: form(wasm(text)) })).body?.cancel();
  }
  const list = await (await server.call("GET", "/modules")).json();
  assert.deepEqual(
    list.map((each: { path: string }) => each.path),
    ["bob/hey/1/hey.wasm", "k33g/hola/0.0.0/hola.wasm", "k33g/hola/0.0.1/hola.wasm"]
      .map((path) => `${server.files}/${path}`),
  );
  const { createdAt, path: _, ...rest } = list[1];
  assert.deepEqual(rest, {
    user: "k33g",
    module: "hola",
    tag: "0.0.0",
    size: wasm("a").length,
    digest: sha256(wasm("a")),
  });
  assert.equal(new Date(createdAt).toISOString(), createdAt);

  const bobs = await (await server.call("GET", "/modules?user=bob")).json();
  assert.deepEqual(bobs.map(({ user }: { user: string }) => user), ["bob"]);
  const first = await server.call("GET", "/modules?n=2");
  assert.equal((await first.json()).length, 2);
  const next = /<(.+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
  const second = await server.call("GET", next);
  assert.deepEqual((await second.json()).map(({ tag }: { tag: string }) => tag), ["0.0.1"]);
  assert.equal(second.headers.get("link"), null);
  const text = await server.call("GET", "/modules?user=bob", { headers: { accept: "text/plain" } });
  assert.equal(await text.text(), `${server.files}/bob/hey/1/hey.wasm\n`);
});

Deno.test("upload: takes other bytes for a tag with -overwrite only", async () => {
  await using server = await testRegistry();
  const put = async (module: Uint8Array<ArrayBuffer>, info = "first") => {
    const response = await server.call("POST", "/upload/k33g/hola/1", { body: form(module, info) });
    return { status: response.status, code: (await response.json()).code };
  };
  assert.deepEqual(await put(wasm("one")), { status: 200, code: "OK" });
  assert.deepEqual(await put(wasm("one"), "second"), { status: 200, code: "OK" });
  assert.deepEqual(await put(wasm("two")), { status: 409, code: "TAG_EXISTS" });
  assert.equal(await (await server.call("GET", "/info/k33g/hola/1")).text(), "first\n");

  await server.reopen({ overwrite: true });
  assert.deepEqual(await put(wasm("two"), "new"), { status: 200, code: "OK" });
  assert.deepEqual(await bytesOf(await server.call("GET", "/k33g/hola/1/hola.wasm")), wasm("two"));
  assert.deepEqual(await Deno.readFile(`${server.files}/k33g/hola/1/hola.wasm`), wasm("two"));
  assert.equal(await Deno.readTextFile(`${server.files}/k33g/hola/1/hola.info`), "new\n");
});

Deno.test("upload: stores one of several concurrent uploads of a tag, whole", async () => {
  await using server = await testRegistry();
  const modules = Array.from({ length: 8 }, (_, index) => wasm(`module ${index}`, 100_000));
  const answers = await Promise.all(modules.map(async (module, index) => {
    const body = form(module, `info ${index}`);
    const response = await server.call("POST", "/upload/k33g/hola/1", { body });
    await response.body?.cancel();
    return response.status;
  }));
  assert.deepEqual(answers.toSorted(), [200, 409, 409, 409, 409, 409, 409, 409]);
  const winner = answers.indexOf(200);
  assert.deepEqual(
    await bytesOf(await server.call("GET", "/k33g/hola/1/hola.wasm")),
    modules[winner],
  );
  assert.equal(await (await server.call("GET", "/info/k33g/hola/1")).text(), `info ${winner}\n`);
});

Deno.test("latest: is the newest upload, unless that tag was uploaded", async () => {
  await using server = await testRegistry();
  const upload = async (tag: string) => {
    await (await server.call("POST", `/upload/k33g/hola/${tag}`, { body: form(wasm(tag)) })).body
      ?.cancel();
  };
  const latest = async () => await bytesOf(await server.call("GET", "/k33g/hola/latest/hola.wasm"));
  await upload("2");
  await upload("1");
  assert.deepEqual(await latest(), wasm("1"));
  await server.reopen();
  assert.deepEqual(await latest(), wasm("1"));
  await upload("latest");
  await upload("3");
  assert.deepEqual(await latest(), wasm("latest"));
});

Deno.test("DELETE: removes a module with its folder, and no other", async () => {
  await using server = await testRegistry();
  for (const tag of ["1", "2"]) {
    await (await server.call("POST", `/upload/k33g/hola/${tag}`, { body: form(wasm(tag)) })).body
      ?.cancel();
  }
  assert.equal((await server.call("DELETE", "/k33g/hola/1")).status, 200);
  const gone = await server.call("GET", "/k33g/hola/1/hola.wasm");
  assert.equal(gone.status, 404);
  assert.equal((await gone.json()).code, "MODULE_NOT_FOUND");
  assert.deepEqual(await pathsBelow(server.files), [
    "k33g/hola/2/hola.info",
    "k33g/hola/2/hola.wasm",
  ]);
  assert.equal((await server.call("DELETE", "/k33g/hola/1")).status, 404);
  assert.equal((await server.call("DELETE", "/k33g/hola/latest")).status, 404);
  assert.equal((await server.call("DELETE", "/k33g/hola/2")).status, 200);
  assert.deepEqual(Array.from(Deno.readDirSync(server.files), ({ name }) => name), [".capsule"]);
});

Deno.test("upload: refuses invalid names, and suggests the name in lower case", async () => {
  await using server = await testRegistry();
  const rows: [string, RegExp][] = [
    ["K33g/hola/1", /got "K33g" \(try "k33g"\)/],
    ["k33g/Hola/1", /module.*got "Hola" \(try "hola"\)/],
    ["k33g/ho..la/1", /got "ho\.\.la"$/],
    ["k33g/-hola/1", /got "-hola"$/],
    ["k33g/hola/.1", /got "\.1"$/],
    ["k33g/..%2f..%2fetc/1", /got "\.\.\/\.\.\/etc"$/],
    [`k33g/${"a".repeat(129)}/1`, /at most 128 characters/],
    [`k33g/hola/${"1".repeat(129)}`, /at most 128 characters/],
    ...["upload", "info", "modules", "v2", "health", "metrics", "capsule"]
      .map((
        user,
      ): [string, RegExp] => [`${user}/hola/1`, new RegExp(`"${user}" cannot be a user`)]),
  ];
  for (const [path, message] of rows) {
    const response = await server.call("POST", `/upload/${path}`, { body: form(wasm()) });
    assert.equal(response.status, 400, path);
    const body = await response.json();
    assert.equal(body.code, "NAME_INVALID");
    assert.match(body.message, message);
  }
  assert.deepEqual(await pathsBelow(server.files), []);
});

Deno.test("upload: shows the client's file name, and never uses it as a path", async () => {
  await using server = await testRegistry();
  const body = form(wasm(), "", "../../../tmp/evil.wasm");
  const response = await server.call("POST", "/upload/k33g/hola/1", { body });
  assert.equal((await response.json()).message, "🙂 evil.wasm uploaded!");
  assert.deepEqual(await pathsBelow(server.files), [
    "k33g/hola/1/hola.info",
    "k33g/hola/1/hola.wasm",
  ]);
});

Deno.test("upload: refuses what is not a module, and keeps nothing of it", async () => {
  await using server = await testRegistry({ maxUpload: 1000 });
  const module = wasm("hola");
  const rows: [Uint8Array<ArrayBuffer>, number, RegExp][] = [
    [new Uint8Array(0), 400, /it is empty/],
    [new TextEncoder().encode("<html>not found"), 400, /it begins with "<html>no"/],
    [module.subarray(0, 5), 400, /within its first 8 bytes/],
    [module.subarray(0, -1), 400, /ends in the middle of a section/],
    [Uint8Array.of(...module, 99, 0), 400, /there is no section 99 \(at byte 15\)/],
    [Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0c, 0, 1, 0), 400, /component of version 12/],
    [Uint8Array.of(...module, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1), 400, /over 32 bits/],
    [wasm("", 1000), 413, /at most 1000 bytes \(-maxUpload\)/],
  ];
  for (const [bytes, status, message] of rows) {
    const response = await server.call("POST", "/upload/k33g/hola/1", { body: form(bytes) });
    const body = await response.json();
    assert.match(body.message, message);
    assert.equal(response.status, status);
  }
  assert.deepEqual(await pathsBelow(server.files), []);
  assert.deepEqual(await pathsBelow(`${server.files}/.capsule/tmp`), []);
  assert.deepEqual(await pathsBelow(`${server.files}/.capsule/blobs`), []);
});

Deno.test("upload: refuses a body that is not a form, or has no file", async () => {
  await using server = await testRegistry();
  const text = new FormData();
  text.set("file", "not a file");
  const none = new FormData();
  none.set("info", "text");
  const two = form(wasm());
  two.append("file", new Blob([wasm()]), "again.wasm");
  const rows: [BodyInit | undefined, RegExp][] = [
    ["{}", /an upload is a form/],
    [undefined, /an upload is a form/],
    [text, /"file" is a text/],
    [none, /no file called "file"/],
    [two, /two files called "file"/],
  ];
  for (const [body, message] of rows) {
    const response = await server.call("POST", "/upload/k33g/hola/1", { body });
    assert.equal(response.status, 400);
    const answer = await response.json();
    assert.equal(answer.code, "BAD_FORM");
    assert.match(answer.message, message);
  }
});

Deno.test("registry: responds 404 for an unknown page", async () => {
  await using server = await testRegistry();
  for (const path of ["/nothing", "/k33g/hola", "/k33g/hola/1/hola.txt/more"]) {
    const response = await server.call("GET", path);
    assert.equal(response.status, 404);
    assert.equal((await response.json()).code, "PAGE_NOT_FOUND");
  }
  assert.equal(await (await server.call("GET", "/health")).text(), "OK");
});
