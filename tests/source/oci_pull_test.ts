import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { OciTransport } from "../../src/source/oci_transport.ts";
import { parseOciReference, shownReference } from "../../src/source/oci_reference.ts";
import { pullModule, type PullOptions } from "../../src/source/oci_pull.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { memoryLog } from "../server/memory_log.ts";

const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, 2, 1, 0x61);
const digestOf = (bytes: Uint8Array | string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const sha256 = digestOf(module).slice(7);

function manifestOf(bytes: Uint8Array, more: Record<string, unknown> = {}): string {
  const layer = { mediaType: "application/wasm", digest: digestOf(bytes), size: bytes.length };
  return JSON.stringify({ schemaVersion: 2, layers: [layer], ...more });
}

/** A registry of one tag, whose answers a test may change, and that counts what it is asked. */
interface FakeRegistry extends AsyncDisposable {
  host: string;
  requests: string[];
  manifest: string;
  /** Looks at each request first. */
  before: (request: Request, url: URL) => Response | undefined;
  blob: Uint8Array<ArrayBuffer>;
}

function registry(): FakeRegistry {
  const state: Omit<FakeRegistry, typeof Symbol.asyncDispose | "host"> = {
    requests: [],
    manifest: manifestOf(module),
    blob: module,
    before: () => undefined,
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const url = new URL(request.url);
    state.requests.push(`${request.method} ${url.pathname}`);
    const first = state.before(request, url);
    if (first) return first;
    if (url.pathname.includes("/manifests/")) return new Response(state.manifest);
    return new Response(state.blob);
  });
  return Object.assign(state, {
    host: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

async function withCache(
  work: (
    pull: (url: string, more?: Partial<PullOptions>) => ReturnType<typeof pullModule>,
    world: { folder: string; stderr: () => string },
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "capsule-cache-" });
  const { log, stderr } = memoryLog();
  const io = memoryIo({ env: { HOME: folder } });
  try {
    await work(
      (url, more) =>
        pullModule({ url, cacheFolder: `${folder}/cache`, env: io.env, stderr: io.stderr, log, ...more }),
      { folder, stderr },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("references are taken apart and shown as they were written", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const rows: [string, ReturnType<typeof parseOciReference>][] = [
    ["oci://localhost:4999/k33g/hola:0.0.0", {
      host: "localhost:4999",
      repository: "k33g/hola",
      tag: "0.0.0",
      digest: undefined,
    }],
    ["oci://ghcr.io/a/b/c__d", { host: "ghcr.io", repository: "a/b/c__d", tag: "latest", digest: undefined }],
    [`oci://h/a@${digest}`, { host: "h", repository: "a", tag: undefined, digest }],
    [`oci://[::1]:5000/a:T@${digest}`, { host: "[::1]:5000", repository: "a", tag: "T", digest }],
  ];
  for (const [text, reference] of rows) {
    assert.deepEqual(parseOciReference(text), reference);
    assert.equal(shownReference(reference), text.replace("c__d", "c__d:latest"));
  }
  for (
    const text of [
      "oci://host",
      "oci://host/",
      "oci://u:p@host/a",
      "oci://h/A",
      "oci://h/a:",
      "oci://h/a@sha256:1",
      "oci://h/a:b:c",
      `oci://h/a@${digest}@${digest}`,
    ]
  ) {
    assert.throws(() => parseOciReference(text), { code: "URL" }, text);
  }
});

Deno.test("plain HTTP on this machine and with -insecure only", () => {
  const base = (host: string, insecure?: boolean) =>
    new OciTransport({ host, insecure, credentials: () => Promise.resolve(undefined) }).base;
  for (const host of ["localhost", "LOCALHOST:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000"]) {
    assert.equal(base(host), `http://${host}`);
  }
  for (
    const host of ["ghcr.io", "localhost.example.com", "127.0.0.1.example.com", "192.168.0.1:5000", "[::2]"]
  ) {
    assert.equal(base(host), `https://${host}`);
    assert.equal(base(host, true), `http://${host}`);
  }
  assert.equal(base("docker.io"), "https://registry-1.docker.io");
});

Deno.test("a tag is asked for each time, its blob once", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    const url = `oci://${server.host}/a/b:1`;
    const first = await pull(url);
    assert.deepEqual([first.how, first.sha256], ["downloaded", sha256]);
    assert.deepEqual(await Deno.readFile(first.path), module);
    assert.equal((await pull(url)).how, "unchanged");
    assert.deepEqual(server.requests, [
      "GET /v2/a/b/manifests/1",
      `GET /v2/a/b/blobs/sha256:${sha256}`,
      "GET /v2/a/b/manifests/1",
    ]);
  });
});

Deno.test("a tag that moved is noticed, said, and followed", async () => {
  await using server = registry();
  await withCache(async (pull, { stderr }) => {
    const url = `oci://${server.host}/a:1`;
    await pull(url);
    const before = digestOf(server.manifest);
    server.blob = Uint8Array.of(...module, 0, 1, 0);
    server.manifest = manifestOf(server.blob);
    assert.equal((await pull(url)).sha256, digestOf(server.blob).slice(7));
    assert(
      stderr().includes(`${url} has moved: it was ${before}, and is ${digestOf(server.manifest)} now`),
      stderr(),
    );
  });
});

Deno.test("the copy goes on when the registry is away, is checked first, and a refusal is no absence", async () => {
  await withCache(async (pull, { stderr }) => {
    const server = registry();
    const url = `oci://${server.host}/a:1`;
    const { path } = await pull(url);
    server.before = () => new Response("later", { status: 503 });
    assert.equal((await pull(url)).how, "cached");
    server.before = () =>
      new Response('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}', { status: 404 });
    await assert.rejects(pull(url), /answers 404 to GET .*: no such thing$/);
    await server[Symbol.asyncDispose]();
    assert.equal((await pull(url)).how, "cached");
    assert.match(stderr(), /warning: .*going on with the copy pulled earlier/);
    await Deno.writeFile(path, Uint8Array.of(...module, 0, 1, 0));
    await assert.rejects(pull(url), { code: "DOWNLOAD" });
  });
});

Deno.test("a reference by digest, or -sha256, that is in the cache needs no registry", async () => {
  await withCache(async (pull) => {
    const server = registry();
    const url = `oci://${server.host}/a@${digestOf(server.manifest)}`;
    assert.equal((await pull(url)).how, "downloaded");
    await server[Symbol.asyncDispose]();
    assert.equal((await pull(url)).how, "cached");
    assert.equal((await pull(`oci://${server.host}/other:1`, { sha256 })).how, "cached");
  });
});

Deno.test("what is not what its digest says is refused: manifest, layer, -sha256", async () => {
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

Deno.test("of an index, the manifest for WebAssembly; a manifest without a module is refused with why", async () => {
  await using server = registry();
  await withCache(async (pull) => {
    const inner = manifestOf(module);
    const entry = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: digestOf(inner),
      size: inner.length,
    };
    const other = { ...entry, digest: digestOf("amd64"), platform: { architecture: "amd64", os: "linux" } };
    server.manifest = JSON.stringify({
      schemaVersion: 2,
      manifests: [other, { ...entry, platform: { architecture: "wasm", os: "wasip1" } }],
    });
    server.before = (_, url) => url.pathname.endsWith(digestOf(inner)) ? new Response(inner) : undefined;
    assert.equal((await pull(`oci://${server.host}/a:1`)).sha256, sha256);
    const rows: [string, RegExp][] = [
      [JSON.stringify({ manifests: [other, other] }), /none of its 2 manifests is for WebAssembly/],
      [JSON.stringify({ layers: [] }), /no \.wasm in its layers/],
      [manifestOf(module, { layers: [0, 1].map(() => JSON.parse(inner).layers[0]) }), /it has 2 of them/],
      ["<html>", /no JSON/],
      ["{}", /neither layers nor manifests/],
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

Deno.test("credentials: a password shown as Basic, or exchanged for a token, and to nobody else", async () => {
  await using server = registry();
  await withCache(async (pull, { folder }) => {
    await Deno.mkdir(`${folder}/.docker`);
    const config = (value: unknown) =>
      Deno.writeTextFile(`${folder}/.docker/config.json`, JSON.stringify(value));
    const right = `Basic ${btoa("me:pa:ss")}`;
    const shown: string[] = [];
    const refusal = (challenge: string) =>
      new Response(null, { status: 401, headers: { "www-authenticate": challenge } });

    server.before = (request) => {
      shown.push(request.headers.get("authorization") ?? "");
      return request.headers.get("authorization") === right
        ? undefined
        : refusal('Basic realm="x", charset="UTF-8"');
    };
    await assert.rejects(
      pull(`oci://${server.host}/a:1`),
      new RegExp(
        `answers 401 to GET .*; it was shown nothing: "docker login ${server.host}" keeps what to show$`,
      ),
    );
    await config({ auths: { [server.host]: { auth: btoa("me:pa:ss") } } });
    assert.equal((await pull(`oci://${server.host}/a:1`)).how, "downloaded");
    assert.deepEqual(shown, ["", "", right, right]);

    server.before = (request, url) => {
      if (url.pathname === "/token") {
        assert.equal(url.search, "?service=reg&scope=repository%3Aa%3Apull");
        return Response.json({
          token: request.headers.get("authorization") === right ? "t0ken" : "anonymous",
        });
      }
      if (request.headers.get("authorization") === "Bearer t0ken") return undefined;
      return refusal(`Bearer realm="http://${server.host}/token",service="reg",scope="repository:a:pull"`);
    };
    assert.equal((await pull(`oci://${server.host}/a:2`)).how, "downloaded");
    await config({});
    await assert.rejects(
      pull(`oci://${server.host}/a:3`),
      /answers 401 to GET .*; what it was shown is not enough$/,
    );

    await config({ auths: { [server.host]: { identitytoken: "1d" } } });
    server.before = (request, url) => {
      if (url.pathname === "/token") {
        return request.method === "POST" ? Response.json({ access_token: "t0ken" }) : refusal("");
      }
      if (request.headers.get("authorization") === "Bearer t0ken") return undefined;
      return refusal(`Bearer realm="http://${server.host}/token",service="reg"`);
    };
    assert.equal((await pull(`oci://${server.host}/a:4`)).how, "downloaded");

    await config({ auths: { [server.host]: { auth: btoa("me:pa:ss") } } });
    server.before = () => refusal('Bearer realm="http://elsewhere.example/token",service="reg"');
    await assert.rejects(
      pull(`oci://${server.host}/a:5`),
      /the password is not sent to http:\/\/elsewhere\.example/,
    );
  });
});

Deno.test("a token that is not enough for the next request is exchanged for another, by the password again", async () => {
  await using server = registry();
  const right = `Basic ${btoa("me:s3cret")}`;
  server.before = (request, url) => {
    const shown = request.headers.get("authorization") ?? "";
    if (url.pathname === "/token") {
      return shown === right
        ? Response.json({ token: url.searchParams.get("scope") })
        : new Response(null, { status: 401 });
    }
    const scope = request.method === "POST" ? "push" : "pull";
    if (shown === `Bearer ${scope}`) return new Response(null, { status: 202 });
    const challenge = `Bearer realm="http://${server.host}/token",service="reg",scope="${scope}"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  const transport = new OciTransport({
    host: server.host,
    credentials: () => Promise.resolve({ kind: "password", username: "me", password: "s3cret" }),
  });
  for (const method of ["GET", "POST"]) {
    await (await transport.request("/v2/a/blobs/uploads/", { method }, [202])).body?.cancel();
  }
});

Deno.test("another host that the registry sends to is shown nothing", async () => {
  await using server = registry();
  await using other = registry();
  const shown: (string | null)[] = [];
  for (const each of [server, other]) {
    each.before = (request) => {
      const authorization = request.headers.get("authorization");
      if (each === other) shown.push(authorization);
      else if (authorization === null) {
        return new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
      }
      return undefined;
    };
  }
  const credentials = () => Promise.resolve({ kind: "password" as const, username: "me", password: "pass" });
  const transport = new OciTransport({ host: server.host, credentials });
  for (const url of ["/v2/", `http://${other.host}/v2/`]) {
    await (await transport.request(url, {}, [200])).body?.cancel();
  }
  assert.deepEqual(shown, [null]);
});

Deno.test("credentials come from a helper program too", { ignore: Deno.build.os === "windows" }, async () => {
  await using server = registry();
  await withCache(async (pull, { folder }) => {
    const helper = `${folder}/docker-credential-test`;
    await Deno.writeTextFile(
      helper,
      '#!/bin/sh\nread host\n[ "$1 $host" = "get $REGISTRY_HOST" ] || exit 1\necho \'{"Username":"me","Secret":"pass"}\'\n',
      { mode: 0o755 },
    );
    await Deno.mkdir(`${folder}/docker`);
    await Deno.writeTextFile(
      `${folder}/docker/config.json`,
      JSON.stringify({ credHelpers: { [server.host]: "test" } }),
    );
    server.before = (request) =>
      request.headers.get("authorization") === `Basic ${btoa("me:pass")}`
        ? undefined
        : new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
    const { env } = memoryIo({ env: { DOCKER_CONFIG: `${folder}/docker` } });
    // A helper is found as any program is: by the PATH of this process.
    const path = Deno.env.get("PATH") ?? "";
    Deno.env.set("PATH", `${folder}:${path}`);
    Deno.env.set("REGISTRY_HOST", server.host);
    try {
      assert.equal((await pull(`oci://${server.host}/a:1`, { env })).how, "downloaded");
    } finally {
      Deno.env.set("PATH", path);
      Deno.env.delete("REGISTRY_HOST");
    }
  });
});
