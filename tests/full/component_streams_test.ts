import assert from "node:assert/strict";
import { reflect } from "../e2e/wasmtime/both_servers.ts";
import { startCapsule } from "../testing/capsule.ts";
import { echoMib } from "../testing/large_echo.ts";

const ignore = Deno.env.get("CAPSULE_TEST_FULL") === undefined || Deno.build.os !== "linux";
const mebibyte = 1 << 20;
/** The most memory that a body may take in addition. */
const maxMoreMib = 32;
const gibibyte = 1 << 30;

/** Serves the component without a deadline; `run` must not make it use much more memory. */
async function inLittleMemory(run: (url: string) => Promise<void>): Promise<void> {
  await using server = await startCapsule(["-mode=http", `-wasm=${reflect}`, "-timeout=0"]);
  const most = () =>
    Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))?.[1]) / 1024;
  for (let count = 0; count < 200; count++) await (await fetch(`${server.url}/reflect`)).text();
  const before = most();
  await run(server.url);
  assert.ok(most() - before < maxMoreMib, `${before} → ${most()} MiB`);
}

Deno.test({
  name: "component streams: a guest reads 1 GiB in little memory",
  ignore,
  fn: () =>
    inLittleMemory(async (url) => {
      let left = 1024;
      const piece = new Uint8Array(mebibyte);
      const body = new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(piece.slice());
          else controller.close();
        },
      });
      const answer = await fetch(`${url}/sink`, { method: "POST", body });
      assert.equal(await answer.text(), `${gibibyte} 0 closed\n`);
    }),
});

Deno.test({
  name: "component streams: a guest writes 1 GiB in little memory",
  ignore,
  fn: () =>
    inLittleMemory(async (url) => {
      const answer = await fetch(`${url}/source?bytes=${gibibyte}&chunk=65536`);
      let length = 0;
      for await (const bytes of answer.body ?? []) length += bytes.length;
      assert.equal(length, gibibyte);
    }),
});

Deno.test({
  name: "component streams: 1 GiB comes back as it was sent, in little memory",
  ignore,
  fn: () => inLittleMemory((url) => echoMib(`${url}/echo`, 1024)),
});
