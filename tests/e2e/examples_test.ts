import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

Deno.test("hello-cli prints the four lines of the description", async () => {
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

Deno.test("hello-http answers and logs as the description prints", async () => {
  await using server = await startCapsule([`-wasm=${examples}hello-http/hello.wasm`, "-mode=http"], {
    env: { MESSAGE: "🖐 good morning 😄" },
  });
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "user-agent": "curl/7.79.1" },
    body: '{"message": "TinyGo 💙 wasm"}',
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"message": "hey people!"}');
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(response.headers.get("content-length"), "26");
  const message = Uint8Array.from(response.headers.get("message") ?? "", (byte) => byte.charCodeAt(0));
  assert.equal(new TextDecoder().decode(message), "👋 hello world 🌍");
  await server.stop();
  assert.ok(
    server.stdout.text.includes(
      '📝 body: {"message": "TinyGo 💙 wasm"}\n' +
        "Content-Type: application/json; charset=utf-8\n" +
        "Content-Length: 31\n" +
        "User-Agent: curl/7.79.1\n" +
        "Environment variable: 🖐 good morning 😄\n",
    ),
    server.stdout.text,
  );
});

Deno.test("html-page answers its page", async () => {
  await using server = await startCapsule([`-wasm=${examples}html-page/hello.wasm`, "-mode=http"]);
  const response = await fetch(server.url);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  assert.match(page, /<title>Wasm is fantastic 😍<\/title>/);
  assert.match(page, /<h2>Served with 💜 with Capsule 💊<\/h2>/);
});

Deno.test("environment reads MESSAGE, and fails without it", async () => {
  const args = [`-wasm=${examples}environment/environment.wasm`, "-mode=cli"];
  const set = await runCapsule(args, { env: { MESSAGE: "👋" } });
  assert.deepEqual([set.code, set.stdout], [0, "MESSAGE=👋\n👋\n"]);
  const unset = await runCapsule(args, { env: { MESSAGE: "" } });
  assert.deepEqual([unset.code, unset.stdout], [1, "MESSAGE is empty\n"]);
});

Deno.test("files reads about.txt and writes hello.txt in the folder where Capsule runs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.copyFile(`${examples}files/about.txt`, `${folder}/about.txt`);
    const { code, stdout, stderr } = await runCapsule([`-wasm=${examples}files/files.wasm`, "-mode=cli"], {
      cwd: folder,
    });
    const about = "This file is read by the example files.\n";
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: `${about}\nfile created\nfile created\n`,
      stderr: "",
    });
    assert.equal(await Deno.readTextFile(`${folder}/hello.txt`), "👋 HELLO WORLD 🌍");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
