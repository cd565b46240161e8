import assert from "node:assert/strict";
import { connect, untilRefused } from "./raw_connection.ts";

/**
 * A server; a request to `/slow` ends at the next byte of standard input, one to `/stuck` never.
 */
const program = `
import { createLog } from "${new URL("../../src/base/log.ts", import.meta.url)}";
import { processIo } from "${new URL("../../src/base/io.ts", import.meta.url)}";
import { listen } from "${new URL("../../src/server/listen.ts", import.meta.url)}";
import { serveUntilStopped } from "${new URL(
  "../../src/server/serve_until_stopped.ts",
  import.meta.url,
)}";
const { stdout, stderr } = processIo([]);
const log = createLog("json", { stdout, stderr });
const server = await listen({ host: "127.0.0.1", port: 0, onError: () => new Response(), handler: async ({ url }) => {
  log.event("arrived", "");
  if (url.endsWith("/stuck")) await new Promise(() => {});
  await Deno.stdin.read(new Uint8Array(1));
  return new Response("done");
}});
log.event("ready", "serving", { mode: "test", url: server.url });
await serveUntilStopped(server, { log, graceMs: 60_000 });
log.event("end", "");
Deno.exit(0);
`;

async function run(
  use: (
    program: { child: Deno.ChildProcess; port: number; event: () => Promise<string> },
  ) => Promise<void>,
) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--ext=ts",
      "--unstable-net",
      "--unstable-no-legacy-abort",
      "data:application/typescript," + encodeURIComponent(program),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  const event = async (): Promise<string> => {
    while (!pending.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return "closed";
      pending += value;
    }
    const line = pending.slice(0, pending.indexOf("\n"));
    pending = pending.slice(line.length + 1);
    return line;
  };
  try {
    const ready: { event: string; mode: string; url: string } = JSON.parse(await event());
    assert.deepEqual([ready.event, ready.mode], ["ready", "test"]);
    await use({ child, port: Number(new URL(ready.url).port), event });
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await reader.cancel();
    await child.stdin.close().catch(() => {});
    await child.status;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name:
      `serveUntilStopped: after ${signal} a running request finishes, then the program exits with 0`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      run(async ({ child, port, event }) => {
        using busy = await connect(port);
        await busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        assert.match(await event(), /arrived/);
        child.kill(signal);
        assert.match(await event(), /"event":"draining"/);
        await untilRefused(port);
        const writer = child.stdin.getWriter();
        await writer.write(new Uint8Array(1));
        writer.releaseLock();
        assert.equal((await busy.answer())?.body, "done");
        assert.match(await event(), /"event":"end"/);
        assert.equal((await child.status).code, 0);
      }),
  });
}

Deno.test({
  name: "serveUntilStopped: a second signal does not wait for requests",
  ignore: Deno.build.os === "windows",
  fn: () =>
    run(async ({ child, port, event }) => {
      using stuck = await connect(port);
      await stuck.send("GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.match(await event(), /arrived/);
      child.kill("SIGTERM");
      assert.match(await event(), /"event":"draining"/);
      child.kill("SIGINT");
      assert.match(await event(), /"event":"end"/);
      assert.equal((await child.status).code, 0);
      assert.equal(await stuck.answer(), undefined);
    }),
});
