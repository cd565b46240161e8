import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, spawnCapsule, startCapsule } from "../testing/capsule.ts";
import { TextLineStream } from "../testing/text_lines.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Uses `std::net` as its first argument says. */
const guest = `-wasm=${root}tests/testdata/rust/sockets/sockets.wasm`;
/** Sends the path of a request to the address in `x-address`, and returns what comes back. */
const proxy = `-wasm=${root}tests/testdata/rust/socket-proxy/socket_proxy.wasm`;

/** A TCP and a UDP server on 127.0.0.1 that return what they receive. */
class EchoServers implements AsyncDisposable {
  readonly #tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Promise<void>>();
  readonly #done: readonly Promise<void>[];
  readonly tcp = `127.0.0.1:${this.#tcp.addr.port}`;
  readonly udp = `127.0.0.1:${(this.#udp.addr as Deno.NetAddr).port}`;

  constructor() {
    this.#done = [this.#serveTcp(), this.#serveUdp()];
  }

  get port(): number {
    return this.#tcp.addr.port;
  }

  /** Resolves when the clients have closed all connections; returns their number. */
  async closed(): Promise<number> {
    await Promise.all(this.#connections);
    return this.#connections.size;
  }

  async #serveTcp(): Promise<void> {
    for await (const { readable, writable } of this.#tcp) {
      // A client that ends early resets its connection.
      this.#connections.add(readable.pipeTo(writable).catch(() => {}));
    }
  }

  async #serveUdp(): Promise<void> {
    for await (const [bytes, source] of this.#udp) await this.#udp.send(bytes, source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcp.close();
    this.#udp.close();
    await Promise.all(this.#done);
    await this.closed();
  }
}

async function run(flags: readonly string[], ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runCapsule([
    "-mode=cli",
    guest,
    ...flags,
    "--",
    ...args,
  ]);
  return code === 0 ? stdout.trimEnd() : `${code} ${stderr}`;
}

Deno.test("sockets: std::net connects where -allowNet allows it, and nowhere without it", async () => {
  await using servers = new EchoServers();
  const send = (...flags: string[]) => run(flags, "send", servers.tcp, "héllo");
  const denied = "error: PermissionDenied";
  assert.equal(await send(), denied);
  assert.equal(await send("-allowNet="), denied);
  assert.equal(await send("-allowNet=127.0.0.2,127.0.0.1:1"), denied);
  assert.equal(await send("-allowNet=127.0.0.1", "-sandbox"), denied);
  assert.equal(await send("-allowListen=127.0.0.1:0"), denied);
  assert.equal(await servers.closed(), 0);
  assert.equal(await send("-allowNet=127.0.0.0/8"), "héllo");
  assert.equal(await send(`-allowNet=localhost:${servers.port}`), "héllo");
  const named = `localhost:${servers.port}`;
  assert.equal(await run([`-allowNet=${named}`], "send", named, "héllo"), "héllo");
});

Deno.test("sockets: std::net listens where -allowListen allows it, and nowhere without it", async () => {
  const bind = (flag: string, address: string) => run([flag], "bind", address);
  assert.equal(await bind("-allowNet=127.0.0.1", "127.0.0.1:0"), "error: PermissionDenied");
  const here = "-allowListen=127.0.0.1:0";
  assert.equal(await bind(here, "127.0.0.1:0"), "bound");
  assert.equal(await bind(here, "0.0.0.0:0"), "error: PermissionDenied");
  assert.equal(await bind(here, "127.0.0.1:2"), "error: PermissionDenied");
  const itself = await run(
    ["-allowNet=localhost", "-allowListen=localhost:0"],
    "itself",
    "[::1]:0",
  );
  assert.equal(itself, "true [195, 169] Err(WouldBlock) 0");
  assert.match(
    await run(["-allowListen=127.0.0.1"], "bind", "127.0.0.1:1"),
    /^1 .*-allowListen="127\.0\.0\.1": a rule is address:port/,
  );
});

Deno.test("sockets: names are looked up and connected to as -allowNet names them", async () => {
  const lookUp = (flag: string, name: string) => run([flag], "look-up", name);
  assert.equal(await lookUp("-allowNet=localhost", "localhost"), "127.0.0.1 ::1");
  assert.equal(await lookUp("-allowNet=[::1]:80", "localhost"), "::1");
  assert.equal(await lookUp("-allowNet=127.0.0.0/8", "other.example"), "error: PermissionDenied");
  assert.equal(await lookUp("-allowNet=example.org", "other.example"), "error: PermissionDenied");
  assert.equal(await lookUp("-allowListen=127.0.0.1:1", "localhost"), "error: PermissionDenied");
});

Deno.test("sockets: 8 MiB come back from an echo, in both directions concurrently", async () => {
  await using servers = new EchoServers();
  assert.equal(await run(["-allowNet=127.0.0.1"], "echo", servers.tcp, "8"), "8 MiB came back");
  assert.equal(await run(["-allowNet=127.0.0.1"], "spin", servers.tcp), "1 [120]");
});

Deno.test("sockets: std::net serves TCP and UDP at a port of its own", async () => {
  for (const [command, ...rest] of [["serve", "2"], ["udp-serve"]]) {
    const flags = ["-allowListen=127.0.0.1:0", "-allowNet=127.0.0.1"];
    const child = spawnCapsule(
      ["-mode=cli", guest, ...flags, "--", command ?? "", "127.0.0.1:0", ...rest],
      "null",
    );
    const errors = new Response(child.stderr).text();
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    const address = (await lines.read()).value ?? "";
    if (command === "serve") {
      for (const text of ["first", "sécond"]) assert.equal(await exchange(address, text), text);
      assert.equal((await lines.read()).value, "served 2");
    } else {
      const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      await socket.send(Uint8Array.of(1, 2), { transport: "udp", ...endpoint(address) });
      const [bytes, source] = await socket.receive();
      socket.close();
      assert.deepEqual([...bytes], [1, 2]);
      assert.equal((source as Deno.NetAddr).port, endpoint(address).port);
      assert.equal((await lines.read()).value, "2 bytes");
    }
    assert.equal((await lines.read()).done, true);
    assert.deepEqual([(await child.status).code, await errors], [0, ""]);
  }
});

Deno.test("sockets: std::net exchanges datagrams where -allowNet allows it", async () => {
  await using servers = new EchoServers();
  for (const local of ["127.0.0.1:0", "0.0.0.0:0"]) {
    const outcome = await run(["-allowNet=127.0.0.1"], "udp", servers.udp, local);
    assert.equal(outcome, "connected Err(true)");
  }
  assert.equal(await run([], "udp", servers.udp, "127.0.0.1:0"), "error: PermissionDenied");
  const fixed = ["-allowNet=127.0.0.1"];
  assert.equal(await run(fixed, "udp-serve", "127.0.0.1:9"), "error: PermissionDenied");
});

Deno.test("sockets: an instance has up to 128, then the system's error for too many files", async () => {
  await using servers = new EchoServers();
  const outcome = await run(["-allowNet=127.0.0.1"], "many", servers.tcp);
  assert.match(outcome, /^128 connections, then /);
  await servers.closed();
});

Deno.test("sockets: a call that waits for one ends at its deadline, and leaves none open", async () => {
  await using servers = new EchoServers();
  const args = ["-mode=cli", guest, "-allowNet=127.0.0.1", "-timeout=300ms", "--"];
  const held = await runCapsule([...args, "hold", servers.tcp]);
  assert.equal(held.code, 124);
  assert.equal(await servers.closed(), 1);
  // The system accepts two connections beyond this listen queue, and lets others wait.
  using full = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = full.addr;
  using _first = await Deno.connect({ hostname: "127.0.0.1", port });
  using _second = await Deno.connect({ hostname: "127.0.0.1", port });
  assert.equal((await runCapsule([...args, "connect", `127.0.0.1:${port}`])).code, 124);
});

Deno.test("sockets in http mode: every call has its own, and none stays open after it", async () => {
  await using servers = new EchoServers();
  await using server = await startCapsule(["-mode=http", proxy, "-allowNet=127.0.0.1"]);
  const ask = (path: string, address: string) =>
    fetch(server.url + path, { headers: { "x-address": address } });
  const texts = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => await (await ask(`/${at}`, servers.tcp)).text()),
  );
  assert.deepEqual(texts, Array.from({ length: 40 }, (_, at) => `/${at}`));
  assert.equal(await servers.closed(), 40);
  const refused = await ask("/", "127.0.0.1:1");
  assert.deepEqual([refused.status, await refused.text()], [502, "ConnectionRefused"]);
  const denied = await ask("/", "127.1.2.3:80");
  assert.deepEqual([denied.status, await denied.text()], [502, "PermissionDenied"]);
});

Deno.test("sockets in http mode: the deadline and a client that leaves close a connection", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${silent.addr.port}`;
  const flags = ["-mode=http", proxy, "-allowNet=127.0.0.1"];
  await using server = await startCapsule([...flags, "-timeout=2s"]);
  const headers = { "x-address": address };
  const stop = new AbortController();
  const left = fetch(`${server.url}/left`, { headers, signal: stop.signal });
  const first = await silent.accept();
  assert.equal(await readToEnd(first), "/left");
  stop.abort();
  await assert.rejects(left, { name: "AbortError" });
  await untilClosed(first);
  const late = fetch(`${server.url}/late`, { headers });
  const second = await silent.accept();
  assert.equal((await late).status, 504);
  await (await late).body?.cancel();
  await untilClosed(second);
});

function endpoint(address: string): { hostname: string; port: number } {
  const [hostname = "", port] = address.split(":");
  return { hostname, port: Number(port) };
}

/** Sends a text and its end, and returns what comes back. */
async function exchange(address: string, text: string): Promise<string> {
  using connection = await Deno.connect(endpoint(address));
  await connection.write(new TextEncoder().encode(text));
  await connection.closeWrite();
  return await readToEnd(connection);
}

/** Reads the text up to the end that the client sends. */
async function readToEnd(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(100);
  let text = "";
  for (let count; (count = await connection.read(buffer)) !== null;) {
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

/** Writes until the system reports that the client has closed the connection. */
async function untilClosed(connection: Deno.TcpConn): Promise<void> {
  try {
    while (true) {
      await connection.write(new Uint8Array(1));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } catch (error) {
    const codes = ["EPIPE", "ECONNRESET"];
    assert.ok(codes.includes((error as { code: string }).code), String(error));
  } finally {
    connection.close();
  }
}
