import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Peer } from "../proxy/peers.ts";
import { startProxy } from "../proxy/start_proxy.ts";
import { type Running, startCapsule } from "../testing/capsule.ts";
import { freePort } from "../testing/free_port.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const hello = fileURLToPath(new URL("../../examples/hello-http/hello.wasm", import.meta.url));

/** Starts functions and a proxy, each in its own process. */
async function behindProxy(
  count: number,
  flags: readonly string[],
  run: (proxy: Running, functions: readonly Running[]) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    await using stack = new AsyncDisposableStack();
    const functions = await Promise.all(
      Array.from(
        { length: count },
        () =>
          startCapsule(["-mode=http", `-wasm=${hello}`, `-httpPort=${freePort()}`], {
            env: { MESSAGE: "hi" },
          }),
      ),
    );
    for (const each of functions) stack.use(each);
    const urls = functions.map(({ url }) => url).join(", ");
    await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: [${urls}]\n`);
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      `-config=${folder}/config.yaml`,
      "-balance=round-robin",
      ...flags,
    ]);
    await run(proxy, functions);
  });
}

const ask = async (proxy: Running) => {
  const response = await fetch(`${proxy.url}/functions/f`);
  return { status: response.status, body: await response.text() };
};

Deno.test("proxy: an upstream killed under load fails no GET", () =>
  behindProxy(2, [], async (proxy, [first, second]) => {
    let left = 400;
    const statuses = new Map<number, number>();
    const asking = Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        const { status } = await ask(proxy);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (left === 300) first?.kill("SIGKILL");
      }
    });
    await Promise.all(asking);
    assert.deepEqual([...statuses], [[200, 400]]);
    await proxy.stderr.line((line) => line.includes(`${first?.url} gets no requests`));
    // The other one, too: no upstream is left.
    await second?.stop("SIGKILL");
    const { status, body } = await ask(proxy);
    assert.deepEqual([status, JSON.parse(body).code], [502, "ERROR_UPSTREAM_UNREACHABLE"]);
  }));

Deno.test({
  name: "proxy: an upstream that hangs is a 504 once, then ejected, then healthy again",
  ignore: Deno.build.os === "windows",
  fn: () =>
    behindProxy(2, ["-timeout=500ms", "-failTimeout=1s"], async (proxy, [first, second]) => {
      const direct = await (await fetch(first?.url ?? "")).text();
      for (let i = 0; i < 4; i++) assert.deepEqual(await ask(proxy), { status: 200, body: direct });
      first?.kill("SIGSTOP");
      const outcomes = [];
      for (let i = 0; i < 4; i++) outcomes.push(await ask(proxy));
      first?.kill("SIGCONT");
      const failed = outcomes.filter(({ status }) => status !== 200);
      assert.deepEqual(failed.map(({ status, body }) => [status, JSON.parse(body).why]), [
        [504, "no answer within 500 ms"],
      ]);
      // The other one is gone: all responses come from the one that hung.
      await second?.stop("SIGKILL");
      for (let i = 0; i < 4; i++) assert.deepEqual(await ask(proxy), { status: 200, body: direct });
    }),
});

/** Responds before it has read the request: when it is killed, the system sends a reset. */
const unreading = `
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
const connection = await listener.accept();
await connection.read(new Uint8Array(16));
await connection.write(new TextEncoder().encode(Deno.args[0]));
setTimeout(() => {}, 600_000);
`;

for (
  const [framing, answer] of [
    ["by its connection's end", "HTTP/1.1 200 OK\r\n\r\nhello"],
    ["by length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
    ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
  ] as const
) {
  Deno.test(`proxy: a response ${framing} looks incomplete after a reset behind its headers`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", unreading, answer],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      const port = Number(new TextDecoder().decode((await reader.read()).value));
      await using proxy = startProxy({ f: { default: [`http://127.0.0.1:${port}`] } });
      using client = await Peer.connect(proxy.port);
      await client.send(
        "POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
      );
      // Either the read or the write gets the reset; the other one sees an orderly end.
      const { sent } = await client.sendUntilStuck(new Uint8Array(1024 * 1024), 64);
      await client.until("hello");
      child.kill("SIGKILL");
      await sent;
      assert.ok(!(await client.toEnd()).includes("0\r\n\r\n"));
      assert.match(proxy.logged.join(), /gets no requests for 10 s: a response was cut off$/);
    } finally {
      try {
        child.kill("SIGKILL");
      } catch {
        // The connection is gone.
      }
      await child.status;
      while (!(await reader.read()).done);
    }
  });
}
