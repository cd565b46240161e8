import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, type Running, startCapsule } from "../testing/capsule.ts";

const root = fileURLToPath(new URL("../testdata/", import.meta.url));
/** Does what the path says with Rust's standard library, through an adapter for preview1. */
const adapted = `-wasm=${root}rust/adapted/adapted.wasm`;

/** Runs the same requests with Capsule's preview1 and with the component's adapter. */
const ways = ["capsule", "component"] as const;

async function start(way: string, ...flags: string[]): Promise<Running> {
  return await startCapsule(["-mode=http", adapted, `-adapter=${way}`, ...flags]);
}

async function get(server: Running, path: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${server.url}${path}`);
  return [answer.status, await answer.text()];
}

for (const way of ways) {
  Deno.test(`-adapter=${way}: environment, arguments and clocks are those of the component`, async () => {
    await using server = await start(way, "-env=GIVEN=é=1");
    assert.deepEqual(await get(server, "/env"), [200, 'Ok("é=1") Err(NotPresent)']);
    assert.deepEqual(await get(server, "/variables"), [200, "1"]);
    assert.deepEqual(await get(server, "/args"), [200, '["adapted.wasm"]']);
    assert.deepEqual(await get(server, "/clocks"), [200, "true true"]);
    assert.deepEqual(await get(server, "/map"), [200, "Some(14) None"]);
  });

  Deno.test(`-adapter=${way}: every call is a fresh instance with its own random numbers`, async () => {
    await using server = await start(way);
    const seeds = new Set<string>();
    for (let call = 0; call < 30; call++) {
      assert.deepEqual(await get(server, "/count"), [200, "0"]);
      seeds.add((await get(server, "/seed"))[1]);
    }
    assert.equal(seeds.size, 30);
  });

  Deno.test(`-adapter=${way}: output goes to the log line by line`, async () => {
    await using server = await start(way);
    assert.deepEqual(await get(server, "/print"), [200, "printed"]);
    assert.deepEqual(await get(server, "/lines"), [200, "many"]);
    assert.ok(await server.stdout.line((line) => line.includes("line 199")));
    const messages = server.stdout.lines.map((line) => JSON.parse(line).message)
      .filter((message) => message !== undefined && message !== "ready");
    const lines = Array.from({ length: 200 }, (_, line) => `line ${line}`);
    assert.deepEqual(messages.slice(-201), ["to 👋 output", ...lines]);
    assert.ok(await server.stderr.line((line) => line.includes("to standard error")));
  });

  Deno.test(`-adapter=${way}: a panic, an exit and an endless loop end only the call`, async () => {
    await using server = await start(way, "-timeout=300ms");
    const [status, text] = await get(server, "/panic");
    assert.equal(status, 500, text);
    assert.ok(await server.stderr.line((line) => line.includes("as asked")));
    const [exit, message] = await get(server, "/exit");
    assert.equal(exit, 500, message);
    assert.equal((await get(server, "/loop"))[0], 504);
    assert.deepEqual(await get(server, "/count"), [200, "0"]);
  });
}

Deno.test("-adapter: failed calls have the same responses and logs both ways", async () => {
  const seen = await Promise.all(ways.map(async (way) => {
    await using server = await start(way);
    const responses = [];
    for (const path of ["/panic", "/exit", "/unknown"]) responses.push(await get(server, path));
    assert.ok(await server.stderr.line((line) => line.includes("exit code")));
    return { responses, log: server.stderr.text.replace(/\d{4}-\d\d-\d\dT\S+|thread '.*/g, "") };
  }));
  assert.deepEqual(seen[0], seen[1]);
});

Deno.test("-adapter: refuses another value than capsule and component", async () => {
  const { code, stderr } = await runCapsule(["-mode=http", adapted, "-adapter=other"]);
  assert.equal(code, 2);
  assert.match(stderr, /-adapter/);
});
