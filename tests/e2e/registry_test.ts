import assert from "node:assert/strict";
import { runCapsule, type Running, startCapsule } from "../testing/capsule.ts";
import { until } from "../testing/platform.ts";
import { form, pathsBelow, sha256, wasm } from "../registry/test_registry.ts";
import { connect } from "../server/raw_connection.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** Starts a registry process on a temporary folder. */
async function withRegistry(
  work: (world: { server: Running; files: string; port: number; folder: string }) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-registry-" });
  const files = `${folder}/wasm_modules`;
  try {
    await using server = await startCapsule(["-mode=registry", `-files=${files}`, ...args]);
    await work({ server, files, folder, port: Number(new URL(server.url).port) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("curl", { args: ["-s", ...args] }).output();
  return new TextDecoder().decode(stdout);
}

const example = new URL("../../examples/hello-cli/hello.wasm", import.meta.url).pathname;

Deno.test("registry: the commands of the original's description work", async () => {
  await withRegistry(async ({ server: { url }, files, folder }) => {
    const upload = await curl(
      ...["-X", "POST", `${url}/upload/k33g/hola/0.0.0`, "-F", `file=@${example}`],
      ...["-F", "info=hola function from @k33g", "-H", "Content-Type: multipart/form-data"],
    );
    assert.equal(upload, '{"code":"OK","message":"🙂 hello.wasm uploaded!"}');
    assert.deepEqual(await pathsBelow(files), [
      "k33g/hola/0.0.0/hola.info",
      "k33g/hola/0.0.0/hola.wasm",
    ]);
    await curl(`${url}/upload/k33g/hola/0.0.0/hello.wasm`, "-o", `${folder}/downloaded.wasm`);
    assert.deepEqual(
      await Deno.readFile(`${folder}/downloaded.wasm`),
      await Deno.readFile(example),
    );
    assert.equal(await curl(`${url}/info/k33g/hola/0.0.0`), "hola function from @k33g\n");
    const [listed] = JSON.parse(await curl(`${url}/modules`));
    assert.equal(listed.path, `${files}/k33g/hola/0.0.0/hola.wasm`);

    const called = await runCapsule(
      ["-mode=cli", `-wasm=${folder}/tmp/hola.wasm`, `-url=${url}/k33g/hola/0.0.0/hola.wasm`, "👋"],
    );
    assert.equal(called.code, 0, called.stderr);
    assert.match(called.stdout, /👋/);
  });
});

Deno.test("registry: an upload whose connection breaks leaves nothing, wherever it breaks", async () => {
  await withRegistry(async ({ server, files, port }) => {
    const body = [
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wasm"\r\n\r\n',
      ...Array.from(wasm("cut", 50_000), (byte) => String.fromCharCode(byte)),
      "\r\n--b--\r\n",
    ].join("");
    const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0));
    const head = `POST /upload/k33g/hola/1 HTTP/1.1\r\nHost: localhost:${port}\r\n` +
      `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    for (const end of [0, 10, 100, 30_000, bytes.length - 1]) {
      using connection = await connect(port);
      await connection.send(head);
      await connection.send(bytes.subarray(0, end));
    }
    assert.equal(await (await fetch(`${server.url}/modules`)).text(), "[]");
    using connection = await connect(port);
    await connection.send(head);
    await connection.send(bytes);
    assert.equal((await connection.answer())?.status, 200);
    assert.deepEqual(await pathsBelow(files), ["k33g/hola/1/hola.info", "k33g/hola/1/hola.wasm"]);
    // When the folder is clean, the server has noticed the last broken connection.
    while ((await pathsBelow(`${files}/.capsule/tmp`)).length > 0) {
      await (await fetch(`${server.url}/health`)).text();
    }
  });
});

Deno.test("registry: a chunk whose connection breaks is resumed where it broke", async () => {
  await withRegistry(async ({ server: { url }, port }) => {
    const bytes = wasm("resumed", 300_000);
    const begun = await fetch(`${url}/v2/k33g/hola/blobs/uploads/`, { method: "POST" });
    await begun.body?.cancel();
    const path = begun.headers.get("location") ?? "";
    {
      using connection = await connect(port);
      await connection.send(
        `PATCH ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: ${bytes.length}\r\n` +
          `Content-Range: 0-${bytes.length - 1}\r\n\r\n`,
      );
      await connection.send(bytes.subarray(0, 100_000));
    }
    // Until the server notices that the connection is gone, the session is busy.
    let next = 0;
    for (let status = 409; status === 409;) {
      const asked = await fetch(url + path);
      next = Number(/^0-(\d+)$/.exec(asked.headers.get("range") ?? "")?.[1]) + 1;
      await asked.body?.cancel();
      if (next === 1) continue;
      const rest = await fetch(url + path, {
        method: "PATCH",
        body: bytes.subarray(next),
        headers: { "content-range": `${next}-${bytes.length - 1}` },
      });
      await rest.body?.cancel();
      // 416: more of the first chunk has arrived since.
      status = rest.status === 416 ? 409 : rest.status;
    }
    assert(next > 1 && next <= 100_000, String(next));
    const done = await fetch(`${url}${path}?digest=${sha256(bytes)}`, { method: "PUT" });
    await done.body?.cancel();
    assert.equal(done.status, 201);
  });
});

Deno.test("registry: stores 200 concurrent uploads with the right digests", async () => {
  await withRegistry(async ({ server: { url } }) => {
    const modules = Array.from(
      { length: 200 },
      (_, index) => wasm(`module ${index}`, 20_000 + index),
    );
    const statuses = await Promise.all(modules.map(async (module, index) => {
      const body = new FormData();
      body.set("file", new Blob([module]), "a.wasm");
      const response = await fetch(`${url}/upload/user${index % 7}/module/${index}`, {
        method: "POST",
        body,
      });
      await response.body?.cancel();
      return response.status;
    }));
    assert.deepEqual(new Set(statuses), new Set([200]));
    const list: { tag: string; digest: string }[] = await (await fetch(`${url}/modules`)).json();
    const digests = new Map(list.map(({ tag, digest }) => [tag, digest]));
    assert.deepEqual(
      modules.map((_, index) => digests.get(String(index))),
      modules.map((each) => sha256(each)),
    );
  });
});

/** Uploads a module and returns the path of its download. */
async function uploaded(url: string, module: Uint8Array<ArrayBuffer>): Promise<string> {
  const response = await fetch(`${url}/upload/k33g/hola/1`, { method: "POST", body: form(module) });
  assert.equal(response.status, 200, await response.text());
  return "/k33g/hola/1/hola.wasm";
}

/** Makes a module larger than all socket buffers, with different bytes in each piece. */
function largeModule(): Uint8Array<ArrayBuffer> {
  const module = wasm("large", 20_000_000);
  for (let at = 100; at < module.length; at += 1000) module[at] = at / 1000;
  return module;
}

Deno.test("registry: a slow client receives every byte, and delays no other", async () => {
  await withRegistry(async ({ server: { url }, port }) => {
    const module = largeModule();
    const path = await uploaded(url, module);
    const slow = await Deno.connect({ port, hostname: "127.0.0.1" });
    await slow.write(
      new TextEncoder().encode(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      ),
    );
    const first = new Uint8Array(4096);
    const count = await slow.read(first) ?? 0;
    for (let others = 0; others < 3; others++) {
      assert.equal(
        sha256(new Uint8Array(await (await fetch(url + path)).arrayBuffer())),
        sha256(module),
      );
    }
    const rest = await Array.fromAsync(slow.readable);
    const answer = new Uint8Array(await new Blob([first.slice(0, count), ...rest]).arrayBuffer());
    assert.equal(sha256(answer.subarray(answer.length - module.length)), sha256(module));
  });
});

Deno.test(
  "registry: 100 clients that do not read take a small part of a module's memory each",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    await withRegistry(async ({ server: { url, pid }, port }) => {
      const path = await uploaded(url, largeModule());
      const residentBytes = () => {
        const status = Deno.readTextFileSync(`/proc/${pid}/status`);
        return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      };
      await (await fetch(url + path)).arrayBuffer();
      const before = residentBytes();
      using clients = new DisposableStack();
      for (const range of ["", "Range: bytes=1-\r\n"]) {
        for (let count = 0; count < 50; count++) {
          const client = clients.use(await Deno.connect({ port, hostname: "127.0.0.1" }));
          const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${range}\r\n`;
          await client.write(new TextEncoder().encode(request));
          await client.read(new Uint8Array(4096));
        }
      }
      await (await fetch(url + path)).arrayBuffer();
      const grown = residentBytes() - before;
      assert(grown < 100_000_000, `${grown} bytes`);
    });
  },
);

Deno.test(
  "registry: clients that leave in the middle of a download leave no file open",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    await withRegistry(async ({ server: { url, pid }, port }) => {
      const path = await uploaded(url, largeModule());
      const openBlobs = () =>
        Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => {
          try {
            return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
          } catch {
            return "";
          }
        }).filter((target) => target.includes("/blobs/"));
      {
        using clients = new DisposableStack();
        for (let count = 0; count < 10; count++) {
          const client = clients.use(await Deno.connect({ port, hostname: "127.0.0.1" }));
          await client.write(
            new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
          );
          await client.read(new Uint8Array(4096));
        }
        await until(() => Promise.resolve(openBlobs()), ({ length }) => length >= 10);
      }
      // The server notices that a client has left when it closes the file.
      while (openBlobs().length > 0) await (await fetch(`${url}/health`)).text();
    });
  },
);

Deno.test("registry: responds 500 for a module that is damaged on the disk, and continues", async () => {
  await withRegistry(async ({ server: { url, stderr, stop }, files }) => {
    const module = largeModule();
    const path = await uploaded(url, module);
    const hex = sha256(module).slice("sha256:".length);
    await Deno.truncate(`${files}/.capsule/blobs/sha256/${hex.slice(0, 2)}/${hex}`, 10_000_000);
    for (let tries = 0; tries < 2; tries++) {
      const response = await fetch(url + path);
      assert.equal(response.status, 500);
      await response.body?.cancel();
    }
    assert.equal(await (await fetch(`${url}/health`)).text(), "OK");
    await stop();
    assert.match(
      stderr.text,
      /request failed: Error: .* is damaged: it has 10000000 of/,
    );
  });
});

Deno.test(
  "registry: finds the module of a container image with a long name, and pull does too",
  { ignore: Deno.build.os === "windows" },
  () =>
    withRegistry(async ({ server: { url }, port, folder }) => {
      const module = wasm("in an image");
      await Deno.mkdir(`${folder}/app`);
      await Deno.writeFile(`${folder}/app/${"größe-".repeat(20)}.wasm`, module);
      const tar = new Deno.Command("tar", { args: ["-cz", "app"], cwd: folder });
      const { stdout: layer } = await tar.output();
      const repository = `${url}/v2/k33g/image`;
      const blob = await fetch(`${repository}/blobs/uploads/?digest=${sha256(layer)}`, {
        method: "POST",
        body: layer,
      });
      assert.equal(blob.status, 201, await blob.text());
      const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
      const layers = [{ mediaType, digest: sha256(layer), size: layer.length }];
      const manifest = await fetch(`${repository}/manifests/1`, {
        method: "PUT",
        body: JSON.stringify({ schemaVersion: 2, layers }),
      });
      assert.equal(manifest.status, 201, await manifest.text());
      const found = await fetch(`${url}/k33g/image/1/image.wasm`);
      assert.deepEqual(new Uint8Array(await found.arrayBuffer()), module);
      const pulled = await runCapsule([
        "-mode=pull",
        `-url=oci://localhost:${port}/k33g/image:1`,
        `-wasm=${folder}/pulled.wasm`,
        `-cache=${folder}/cache`,
      ]);
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.deepEqual(await Deno.readFile(`${folder}/pulled.wasm`), module);
    }),
);

Deno.test("registry: needs -adminToken on an address that others reach", async () => {
  await inFolder(async (files) => {
    const refused = await runCapsule([
      "-mode=registry",
      "-host=0.0.0.0",
      "-httpPort=0",
      `-files=${files}`,
    ]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /cannot start the registry on -host=0\.0\.0\.0: .*-adminToken/);
  });
});
