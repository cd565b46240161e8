import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Serves the same response to every request on a local port and records the requests. */
function upstream(answer: string) {
  const asked: { method: string; contentType: string | null; body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { method, headers } = request;
      asked.push({ method, contentType: headers.get("content-type"), body: await request.text() });
      return new Response(answer);
    },
  );
  return {
    asked,
    url: `http://127.0.0.1:${server.addr.port}/any`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("examples: each built example has a test here", async () => {
  const tests = await Deno.readTextFile(new URL(import.meta.url));
  for await (const { name, isDirectory } of Deno.readDir(examples)) {
    if (!isDirectory) continue;
    for await (const file of Deno.readDir(`${examples}${name}`)) {
      if (!file.name.endsWith(".wasm")) continue;
      assert.ok(
        tests.includes(`{examples}${name}/${file.name}`),
        `${name}/${file.name} is run by no test`,
      );
    }
  }
});

Deno.test("examples/component-rust: responds with a greeting or the body", async () => {
  const wasm = `-wasm=${examples}component-rust/component_rust.wasm`;
  await using server = await startCapsule([wasm, "-mode=http"]);
  assert.equal(await (await fetch(server.url)).text(), "👋 Hello from a component\n");
  const answer = await fetch(server.url, { method: "POST", body: "👋" });
  assert.equal(await answer.text(), "👋");
});

Deno.test("examples/component-tinygo: responds with a greeting or the body", async () => {
  const wasm = `-wasm=${examples}component-tinygo/component_tinygo.wasm`;
  await using server = await startCapsule([wasm, "-mode=http"]);
  assert.equal(await (await fetch(server.url)).text(), "👋 Hello from TinyGo\n");
  const body = "👋".repeat(50_000);
  assert.equal(await (await fetch(server.url, { method: "POST", body })).text(), body);
});

Deno.test("examples/hello: greets its arguments and serves requests", async () => {
  const wasm = `-wasm=${examples}hello/hello.wasm`;
  const { code, stdout, stderr } = await runCapsule([wasm, "-mode=cli", "Bob", "Morane 🎃"]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "👋 Hello Bob Morane 🎃 🌍\n",
    stderr: "",
  });
  await using server = await startCapsule([wasm, "-mode=http"]);
  assert.equal(await (await fetch(server.url)).text(), "👋 Hello World 🌍\n");
  const posted = await fetch(server.url, { method: "POST", body: "été" });
  assert.equal(posted.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(await posted.text(), "👋 Hello World 🌍\n📝 you sent: été\n");
});

Deno.test("examples/hello-cli: prints the four lines of its README", async () => {
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}hello-cli/hello.wasm`,
    "-mode=cli",
    "👋 hello world 🌍🎃",
    "1234",
    "Bob Morane",
  ]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "- parameter is: 👋 hello world 🌍🎃\n" +
      "- parameter is: 1234\n" +
      "- parameter is: Bob Morane\n" +
      "The first parameter is: 👋 hello world 🌍🎃\n",
    stderr: "",
  });
});

Deno.test("examples/hello-http: responds and logs as its README prints", async () => {
  await using server = await startCapsule(
    [`-wasm=${examples}hello-http/hello.wasm`, "-mode=http"],
    {
      env: { MESSAGE: "🖐 good morning 😄" },
    },
  );
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "user-agent": "curl/7.79.1" },
    body: '{"message": "TinyGo 💙 wasm"}',
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"message": "hey people!"}');
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(response.headers.get("content-length"), "26");
  const message = Uint8Array.from(
    response.headers.get("message") ?? "",
    (byte) => byte.charCodeAt(0),
  );
  assert.equal(new TextDecoder().decode(message), "👋 hello world 🌍");
  await server.stop();
  const logged = server.stdout.lines.map((line) => JSON.parse(line).message).join("\n");
  assert.ok(
    logged.includes(
      '📝 body: {"message": "TinyGo 💙 wasm"}\n' +
        "Content-Type: application/json; charset=utf-8\n" +
        "Content-Length: 31\n" +
        "User-Agent: curl/7.79.1\n" +
        "Environment variable: 🖐 good morning 😄\n",
    ),
    logged,
  );
});

Deno.test("examples/html-page: serves its page", async () => {
  await using server = await startCapsule([`-wasm=${examples}html-page/hello.wasm`, "-mode=http"]);
  const response = await fetch(server.url);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  assert.match(page, /<title>Wasm is fantastic 😍<\/title>/);
  assert.match(page, /<h2>Served with 💜 with Capsule 💊<\/h2>/);
});

Deno.test("examples/environment: reads MESSAGE, and fails without it", async () => {
  const args = [`-wasm=${examples}environment/environment.wasm`, "-mode=cli"];
  const set = await runCapsule(args, { env: { MESSAGE: "👋" } });
  assert.deepEqual([set.code, set.stdout], [0, "MESSAGE=👋\n👋\n"]);
  const unset = await runCapsule(args, { env: { MESSAGE: "" } });
  assert.deepEqual([unset.code, unset.stdout], [1, "MESSAGE is empty\n"]);
});

Deno.test("examples/files: reads about.txt and writes hello.txt in the working directory", async () => {
  await inFolder(async (folder) => {
    await Deno.copyFile(`${examples}files/about.txt`, `${folder}/about.txt`);
    const { code, stdout, stderr } = await runCapsule([
      `-wasm=${examples}files/files.wasm`,
      "-mode=cli",
    ], {
      cwd: folder,
    });
    const about = "This file is read by the example files.\n";
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: `${about}\nfile created\nfile created\n`,
      stderr: "",
    });
    assert.equal(await Deno.readTextFile(`${folder}/hello.txt`), "👋 HELLO WORLD 🌍");
  });
});

Deno.test("examples/http-get: requests the URL of its parameter", async () => {
  await using server = upstream("👋 from upstream");
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}http-get/http-get.wasm`,
    "-mode=cli",
    server.url,
  ]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "📝result: 👋 from upstream\n👋 from upstream\n",
    stderr: "",
  });
  assert.deepEqual(server.asked, [{
    method: "GET",
    contentType: "text/html; charset=UTF-8",
    body: "",
  }]);
});

Deno.test("examples/http-get: reports why -allowNet refuses the host", async () => {
  await using server = upstream("never seen");
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}http-get/http-get.wasm`,
    "-mode=cli",
    "-allowNet=10.0.0.0/8",
    server.url,
  ]);
  assert.equal(code, 1);
  assert.match(stdout, /^😡 error:Get "http:.*-allowNet=127\.0\.0\.1/);
  assert.match(stderr, /-allowNet=127\.0\.0\.1/);
  assert.deepEqual(server.asked, []);
});

Deno.test("examples/http-post: posts to the URL of its parameter", async () => {
  await using server = upstream('{"ok":true}');
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}http-post/http-post.wasm`,
    "-mode=cli",
    server.url,
  ]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: '📝result: {"ok":true}\n{"ok":true}\n',
    stderr: "",
  });
  assert.deepEqual(server.asked, [
    { method: "POST", contentType: "text/html; charset=UTF-8", body: "👋 hello world 🌍" },
  ]);
});

const redisOutput = "Value: [OK](greetings:Hello World)\nValue: Hello World\nHello World\n";

redisTest("examples/redis: sets and gets its value on the server of REDIS_ADDR", async () => {
  await using server = await RedisServer.start();
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}redis/redis.wasm`,
    "-mode=cli",
  ], {
    env: { REDIS_ADDR: server.address, REDIS_PWD: "" },
  });
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: redisOutput,
    stderr: `store: redis ${server.address}\n`,
  });
  assert.equal(await server.command("GET", "greetings"), "Hello World");
});

Deno.test("examples/redis: sets and gets its value in the embedded store", async () => {
  await inFolder(async (folder) => {
    const { code, stdout, stderr } = await runCapsule([
      `-wasm=${examples}redis/redis.wasm`,
      "-mode=cli",
    ], {
      cwd: folder,
    });
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: redisOutput,
      stderr: "store: ./.capsule/data.db\n",
    });
    assert.ok((await Deno.stat(`${folder}/.capsule/data.db`)).isFile);
  });
});

Deno.test("examples/couchbase: returns the rows of its query", async () => {
  const login = { user: "admin", password: "ilovepandas", bucket: "wasm-data" };
  await using server = new CouchbaseDouble(login);
  server.answer = () => ({
    kind: "rows",
    rows: ['{"docs":{"name":"👋"}}', '{"docs":{"n":12345678901234567890}}'],
  });
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${examples}couchbase/couchbase.wasm`,
    "-mode=cli",
  ], {
    env: {
      COUCHBASE_CLUSTER: server.connectionString,
      COUCHBASE_USER: login.user,
      COUCHBASE_PWD: login.password,
      COUCHBASE_BUCKET: login.bucket,
    },
  });
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: '[{"docs":{"name":"👋"}},{"docs":{"n":12345678901234567890}}]\n',
    stderr: "",
  });
  assert.deepEqual(server.statements, ["SELECT * FROM `wasm-data`.data.docs"]);
});

Deno.test("examples/cgi: serves its environment and input, and runs in the terminal", async () => {
  await using server = await startCapsule([`-wasm=${examples}cgi/cgi.wasm`, "-mode=http"]);
  const posted = await fetch(`${server.url}/some/path?a=b`, { method: "POST", body: "été" });
  assert.equal(posted.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(await posted.text(), "👋 POST /some/path\n🔎 a=b\n📝 you sent: été\n");
  assert.equal(await (await fetch(`${server.url}/old`)).text(), "👋 GET /new\n");
  const { code, stdout } = await runCapsule([
    ...[`-wasm=${examples}cgi/cgi.wasm`, "-mode=cli"],
    ...["-env=REQUEST_METHOD=GET", "-env=PATH_INFO=/here"],
  ]);
  assert.deepEqual([code, stdout], [
    0,
    "Content-Type: text/plain; charset=utf-8\n\n👋 GET /here\n",
  ]);
});
