import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, spawnCapsule } from "../testing/capsule.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { TextLineStream } from "../testing/text_lines.ts";

const wasm = new URL("../testdata/rust/command/command.wasm", import.meta.url);
const command = ["-mode=cli", `-wasm=${fileURLToPath(wasm)}`];
const sockets = [...command, "-allowNet=127.0.0.1", "-allowListen=127.0.0.1:0"];

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCapsule(args);
  return code === 0 ? stdout.trimEnd() : `${code} ${stderr}`;
}

Deno.test("command of WASI 0.3: streams of files outlive their descriptors", async () => {
  using folder = new TemporaryFolder();
  const bytes = new Uint8Array(300_000).map((_, at) => at * at >> 7);
  folder.write("inside/from", bytes);
  const files = [...command, `-dir=${folder.inside}::/`, "--"];
  assert.equal(await run(...files, "copy", "from", "to"), "Ok(()) Ok(())");
  assert.deepEqual(Deno.readFileSync(folder.at("inside/to")), bytes);
  assert.equal(folder.read("inside/others"), "");
  assert.equal(await run(...files, "list"), '["from", "others", "to"] Ok(())');
});

/** Runs a server, and calls `client` with its port. Returns the last line of the server. */
async function serve(args: readonly string[], client: (port: number) => Promise<void>) {
  const server = spawnCapsule([...sockets, "--", ...args], "null");
  const errors = new Response(server.stderr).text();
  const lines = server.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const { value: port } = await lines.read();
  assert.ok(port);
  await client(Number(port));
  const { value: last } = await lines.read();
  assert.ok((await lines.read()).done);
  assert.equal((await server.status).code, 0, await errors);
  return last;
}

Deno.test("command of WASI 0.3: accepts connections after the listening socket was dropped", async () => {
  const last = await serve(["accept", "3"], async (port) => {
    for (const text of ["first", "", "héllo"]) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await new Blob([text]).stream().pipeTo(connection.writable, { preventClose: true });
      await connection.closeWrite();
      assert.equal(await new Response(connection.readable).text(), text);
    }
  });
  assert.equal(last, "accepted 3");
});

Deno.test("command of WASI 0.3: a client waits while the guest has no room for a socket", async () => {
  const connections: Deno.TcpConn[] = [];
  const last = await serve(["crowd"], async (port) => {
    connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  });
  for (const connection of connections) connection.close();
  assert.equal(last, "false true");
});

Deno.test("command of WASI 0.3: a cancelled receive leaves the datagram for the next one", async () => {
  assert.equal(await run(...sockets, "--", "receive"), "false datagram");
});

Deno.test("command of WASI 0.3: connects from a bound socket, and echoes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const result = run(...sockets, "--", "connect", String(listener.addr.port));
  using connection = await Promise.race([
    listener.accept(),
    result.then((text) => assert.fail(text)),
  ]);
  await connection.write(new TextEncoder().encode("héllo"));
  await connection.closeWrite();
  assert.equal(await new Response(connection.readable).text(), "héllo");
  assert.equal(await result, "Ok(())");
});
