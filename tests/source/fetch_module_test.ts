import assert from "node:assert/strict";
import { refused } from "../testing/refused.ts";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { createLog } from "../../src/base/log.ts";
import { fetchModule, type FetchModuleOptions } from "../../src/source/fetch_module.ts";
import type { DownloadTimeouts } from "../../src/source/http_download.ts";

/** Makes a module of `size` bytes, at least 16: its header and one custom section. */
function moduleOf(size: number): Uint8Array<ArrayBuffer> {
  const content = size - 14;
  const leb = [0, 7, 14, 21].map((shift) => ((content >> shift) & 127) | 128);
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...leb, content >> 28, 0];
  return Uint8Array.from({ length: size }, (_, index) => head[index] ?? index % 251);
}
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const small = moduleOf(100);
const timeouts: DownloadTimeouts = { answerMs: 60_000, idleMs: 60_000, delaysMs: [0, 0] };

interface World {
  folder: string;
  path: string;
  url: string;
  /** Sets the response of the server. */
  answer: (handler: (request: Request) => Response | Promise<Response>) => void;
  stop: () => Promise<void>;
  fetch: (options?: Partial<FetchModuleOptions>) => Promise<string>;
  warnings: () => string;
}

/** An empty folder, and a server that responds with `small` until `answer` changes that. */
async function world(use: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  let handler: (request: Request) => Response | Promise<Response> = () => new Response(small);
  const onError = () => new Response(null, { status: 500 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError },
    (request) => handler(request),
  );
  const url = `http://127.0.0.1:${server.addr.port}/hello.wasm`;
  const path = `${folder}/tmp/é/hello.wasm`;
  let warnings = "";
  const stderr = {
    write: (text: Uint8Array | string) => void (warnings += text),
    isTerminal: () => false,
  };
  const log = createLog("text", { stdout: stderr, stderr });
  try {
    await use({
      folder,
      path,
      url,
      answer: (next) => handler = next,
      stop: () => server.shutdown(),
      fetch: (options) => fetchModule({ url, path, stderr, log, timeouts, ...options }),
      warnings: () => warnings,
    });
    assert.deepEqual(
      (await files(folder)).filter((name) => name.includes(".part")),
      [],
      "nothing half is left",
    );
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

async function files(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    names.push(...entry.isDirectory ? await files(path) : [path]);
  }
  return names.sort();
}

Deno.test("fetchModule: saves a module and its source, without query or credentials", () =>
  world(async ({ folder, path, url, answer, fetch }) => {
    const large = moduleOf(3_000_000);
    answer((request) => {
      assert.equal(request.headers.get("authorization"), `Basic ${btoa("me:secret")}`);
      return new Response(large, { headers: { etag: '"1"' } });
    });
    const secret = url.replace("//", "//me:secret@") + "?token=hidden";
    assert.equal(await fetch({ url: secret }), "downloaded");
    assert.deepEqual(await Deno.readFile(path), large);
    assert.deepEqual(await files(folder), [path, `${path}.source.json`]);
    const source = await Deno.readTextFile(`${path}.source.json`);
    assert.ok(!source.includes("secret") && !source.includes("hidden"), source);
    assert.deepEqual([JSON.parse(source).sha256, JSON.parse(source).etag], [sha256(large), '"1"']);
  }));

Deno.test("fetchModule: follows redirects and reads a chunked body", () =>
  world(async ({ path, answer, fetch }) => {
    answer(({ url }) => {
      const { pathname } = new URL(url);
      if (pathname === "/hello.wasm") {
        return new Response(null, { status: 302, headers: { location: "/a/b" } });
      }
      if (pathname === "/a/b") {
        return new Response(null, { status: 307, headers: { location: "../c" } });
      }
      return new Response(
        ReadableStream.from([small.slice(0, 3), small.slice(3, 50), small.slice(50)]),
      );
    });
    assert.equal(await fetch(), "downloaded");
    assert.deepEqual(await Deno.readFile(path), small);
  }));

Deno.test("fetchModule: makes the next request conditional, by ETag and by date", () =>
  world(async ({ path, answer, fetch, warnings }) => {
    const conditions: (string | null)[] = [];
    const date = "Sat, 30 Jul 2022 19:17:28 GMT";
    answer(({ headers }) => {
      conditions.push(headers.get("if-none-match"), headers.get("if-modified-since"));
      if (headers.get("if-none-match") === '"1"') return new Response(null, { status: 304 });
      return new Response(small, { headers: { etag: '"1"', "last-modified": date } });
    });
    assert.equal(await fetch(), "downloaded");
    assert.equal(await fetch(), "unchanged");
    assert.deepEqual(conditions, [null, null, '"1"', date]);

    const newer = moduleOf(200);
    answer(() => new Response(newer, { headers: { etag: '"2"' } }));
    assert.equal(await fetch(), "downloaded");
    assert.deepEqual(await Deno.readFile(path), newer);
    assert.equal(warnings(), "");
  }));

Deno.test("fetchModule: ignores a file that was changed, or came from another URL", () =>
  world(async ({ path, url, answer, fetch }) => {
    let asked: string | null = "";
    answer(({ headers }) => {
      asked = headers.get("if-none-match");
      return new Response(small, { headers: { etag: '"1"' } });
    });
    await fetch();
    await Deno.writeFile(path, moduleOf(101));
    assert.equal(await fetch(), "downloaded");
    assert.equal(asked, null);
    assert.deepEqual(await Deno.readFile(path), small);
    assert.equal(await fetch({ url: `${url}?v=2` }), "downloaded");
    assert.equal(asked, null);
    await Deno.writeTextFile(`${path}.source.json`, "{");
    assert.equal(await fetch(), "downloaded");
    assert.equal(asked, null);
  }));

Deno.test("fetchModule: uses the copy, with a warning, when no module comes", () =>
  world(async ({ path, answer, stop, fetch, warnings }) => {
    const date = { headers: { "last-modified": "Sat, 30 Jul 2022 19:17:28 GMT" } };
    answer(() => new Response(small, date));
    await fetch();
    const answers: [() => Response, RegExp][] = [
      [
        () => new Response("<!DOCTYPE html>"),
        /is not a WebAssembly module: it begins with "<!DOCTYP"; starting with the copy/,
      ],
      [() => new Response(""), /it is empty/],
      [() => new Response(small.slice(0, 5)), /ends within its first 8 bytes/],
      [
        () => new Response("no", { status: 404 }),
        /the server responded with 404 Not Found; starting with the copy/,
      ],
      [
        () => new Response("no", { status: 500 }),
        /500 Internal Server Error \(tried 3 times\); starting with/,
      ],
      [
        () => new Response(null, { status: 302, headers: { location: "ftp://x/" } }),
        /; starting with the copy/,
      ],
    ];
    for (const [handler, warning] of answers) {
      const before = warnings().length;
      answer(handler);
      assert.equal(await fetch(), "saved copy");
      assert.match(warnings().slice(before), warning);
      assert.deepEqual(await Deno.readFile(path), small);
    }
    await stop();
    assert.equal(await fetch(), "saved copy");
  }));

Deno.test("fetchModule: keeps the saved copy when half a module comes, and leaves no half file", () =>
  world(async ({ folder, path, answer, fetch, warnings }) => {
    const half = moduleOf(2_000_000).slice(0, 1_000_000);
    const withoutEnd = () => new Response(ReadableStream.from([half]));
    answer(withoutEnd);
    await refused(fetch(), "NOT_A_MODULE", /it ends in the middle of a section$/);
    assert.deepEqual(await files(folder), []);

    answer(() => new Response(small, { headers: { etag: '"1"' } }));
    assert.equal(await fetch(), "downloaded");
    for (const body of [half, small.slice(0, 99), small.slice(0, 9), Uint8Array.of(...small, 99)]) {
      answer(() => new Response(body, { headers: { etag: '"2"' } }));
      const before = warnings().length;
      assert.equal(await fetch(), "saved copy");
      assert.match(warnings().slice(before), /is not a WebAssembly module: .*; starting with the/);
      assert.deepEqual(await Deno.readFile(path), small);
    }
    answer(() => new Response(half));
    await refused(fetch({ sha256: sha256(half) }), "NOT_A_MODULE", /middle of a section/);
    assert.deepEqual(await Deno.readFile(path), small);
  }));

Deno.test("fetchModule: refuses a file: URL that leads to half a module", () =>
  world(async ({ folder, path, fetch }) => {
    await Deno.writeFile(`${folder}/half.wasm`, small.slice(0, 50));
    await refused(fetch({ url: `file://${folder}/half.wasm` }), "NOT_A_MODULE", /middle of a/);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("fetchModule: fails without a copy, and leaves another file unchanged", () =>
  world(async ({ path, url, answer, stop, fetch }) => {
    answer(() => new Response("no", { status: 404 }));
    await refused(fetch(), "DOWNLOAD", /hello\.wasm: the server responded with 404/);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, "mine");
    answer(() => new Response("<html>"));
    await refused(fetch(), "NOT_A_MODULE", /begins with "<html>"/);
    await stop();
    const secret = url.replace("//", "//me:secret@") + "?token=secret";
    await refused(
      fetch({ url: secret }),
      "DOWNLOAD",
      /^cannot download http:\S+\?…: (?!.*secret).*refused \(tried 3 times\)$/,
    );
    assert.equal(await Deno.readTextFile(path), "mine");
  }));

Deno.test("fetchModule: retries transient failures twice, and no others", () =>
  world(async ({ path, answer, fetch }) => {
    for (
      const [status, tries] of [[408, 3], [429, 3], [503, 3], [400, 1], [401, 1], [404, 1], [
        501,
        1,
      ]] as const
    ) {
      let count = 0;
      answer(() => {
        count += 1;
        return new Response("", { status });
      });
      await refused(fetch(), "DOWNLOAD", new RegExp(`responded with ${status}`));
      assert.equal(count, tries, `status ${status}`);
    }
    let count = 0;
    answer(() => {
      count += 1;
      if (count === 1) return new Response("", { status: 503 });
      // The second breaks off: its bytes must not be part of the third.
      if (count === 2) {
        return new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(moduleOf(50)),
            pull: (controller) => controller.error(new Error("gone")),
          }),
        );
      }
      return new Response(small);
    });
    assert.equal(await fetch(), "downloaded");
    assert.equal(count, 3);
    assert.deepEqual(await Deno.readFile(path), small);
  }));

Deno.test("fetchModule: gives up on a server that does not respond, or stops in the middle", () =>
  world(async ({ answer, fetch }) => {
    const never = Promise.withResolvers<Response>();
    answer(() => never.promise);
    const hasty = { answerMs: 20, idleMs: 60_000, delaysMs: [] };
    await refused(
      fetch({ timeouts: hasty }),
      "DOWNLOAD",
      /no data for 0\.02 s \(tried 1 times\)/,
    );
    never.resolve(new Response());
    answer(() =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(small) }))
    );
    const patient = { answerMs: 60_000, idleMs: 20, delaysMs: [] };
    await refused(fetch({ timeouts: patient }), "DOWNLOAD", /broke off: no data for 0\.02 s/);
  }));

Deno.test("fetchModule: requires the digest, and makes no request for a file that has it", () =>
  world(async ({ path, answer, stop, fetch }) => {
    const wrong = "0".repeat(64);
    await refused(
      fetch({ sha256: wrong }),
      "DIGEST",
      new RegExp(`-sha256=${wrong}, but it has ${sha256(small)}`),
    );
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    await refused(fetch({ sha256: "abc" }), "DIGEST", /-sha256="abc" is not a SHA-256/);
    assert.equal(await fetch({ sha256: `SHA256:${sha256(small).toUpperCase()}` }), "downloaded");
    // A copy with another digest must not stand in for an unavailable server.
    answer(() => new Response("", { status: 404 }));
    await refused(fetch({ sha256: wrong }), "DOWNLOAD", /404/);
    await stop();
    assert.equal(await fetch({ sha256: sha256(small) }), "unchanged");
    assert.deepEqual(await Deno.readFile(path), small);
  }));

Deno.test("fetchModule: copies a file: URL with the same checks", () =>
  world(async ({ folder, path, fetch }) => {
    const from = `${folder}/été.wasm`;
    await Deno.writeFile(from, small);
    assert.equal(await fetch({ url: new URL(`file://${from}`).href }), "downloaded");
    assert.deepEqual(await Deno.readFile(path), small);
    assert.equal(await fetch({ url: `file://${path}` }), "unchanged");
    await refused(
      fetch({ url: `file://${folder}/none.wasm` }),
      "DOWNLOAD",
      /none\.wasm: no such file/,
    );
    await Deno.writeTextFile(from, "text");
    await refused(fetch({ url: `file://${from}` }), "NOT_A_MODULE", /"text"/);
    assert.deepEqual(await Deno.readFile(path), small);
  }));

Deno.test("fetchModule: refuses an invalid URL and an unknown scheme", () =>
  world(async ({ fetch }) => {
    await refused(fetch({ url: "hello.wasm" }), "URL", /-url="hello\.wasm" is not a URL/);
    await refused(fetch({ url: "ftp://x/hello.wasm" }), "URL", /not "ftp:"/);
  }));

Deno.test("fetchModule: names a target that cannot be written", () =>
  world(async ({ folder, fetch }) => {
    await refused(fetch({ path: folder }), "SAVE", /is a directory/);
    await Deno.writeTextFile(`${folder}/file`, "");
    await refused(
      fetch({ path: `${folder}/file/hello.wasm` }),
      "SAVE",
      /hello\.wasm: a part of its path is a file/,
    );
  }));

Deno.test("fetchModule: removes stale partial files, and no recent ones", () =>
  world(async ({ path, fetch }) => {
    await fetch();
    const [old, fresh] = [
      `${path.replace("hello", ".hello")}.1.part`,
      `${path.replace("hello", ".hello")}.2.part`,
    ];
    await Deno.writeTextFile(old, "");
    await Deno.writeTextFile(fresh, "");
    await Deno.utime(old, 0, 0);
    await fetch();
    await assert.rejects(Deno.stat(old), Deno.errors.NotFound);
    await Deno.remove(fresh);
  }));

Deno.test("fetchModule: draws a progress bar on a terminal, with and without a known size", () =>
  world(async ({ answer, fetch }) => {
    for (const known of [true, false]) {
      const large = moduleOf(2 * 1024 * 1024);
      answer(() => new Response(known ? large : ReadableStream.from([large])));
      let drawn = "";
      const stderr = {
        write: (text: Uint8Array | string) => void (drawn += text),
        isTerminal: () => true,
      };
      await fetch({ stderr });
      assert.match(drawn, known ? /hello\.wasm \[[^\]]+\] 100% 2\.0 MiB/ : /hello\.wasm 2\.0 MiB/);
      assert.ok(drawn.endsWith("\n"), "the next line begins at the left");
    }
  }));

Deno.test({
  name: "fetchModule: leaves nothing behind when SIGTERM interrupts it",
  ignore: Deno.build.os === "windows",
  fn: () =>
    world(async ({ folder, path, url, answer }) => {
      const begun = Promise.withResolvers<void>();
      answer(() => {
        begun.resolve();
        return new Response(
          new ReadableStream({ start: (controller) => controller.enqueue(small) }),
        );
      });
      const program = `
        import { fetchModule } from "${new URL(
        "../../src/source/fetch_module.ts",
        import.meta.url,
      )}";
        import { createLog } from "${new URL("../../src/base/log.ts", import.meta.url)}";
        import { processIo } from "${new URL("../../src/base/io.ts", import.meta.url)}";
        const { stdout, stderr } = processIo([]);
        const log = createLog("text", { stdout, stderr });
        try {
          await fetchModule({ url: "${url}", path: "${path}", stderr, log });
        } catch (error) {
          console.log(error.code, error.message);
        }`;
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--ext=ts",
          `data:application/typescript,${encodeURIComponent(program)}`,
        ],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await begun.promise;
      while ((await files(folder)).length === 0);
      child.kill("SIGTERM");
      const { stdout } = await child.output();
      assert.equal(
        new TextDecoder().decode(stdout),
        "INTERRUPTED the download was stopped by SIGTERM\n",
      );
      assert.deepEqual(await files(folder), []);
    }),
});
