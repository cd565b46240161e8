import assert from "node:assert/strict";
import type { InputStream, OutputStream, Pollable } from "../../../../src/wasi/p2/stream_types.ts";
import type { Value } from "../../../../src/component/abi/codec.ts";
import type { IpSocketAddress } from "../../../../src/wasi/p2/sockets/socket_address.ts";
import { type IoError, StreamEnd } from "../../../../src/wasi/p2/stream_end.ts";
import { everything, GuestSockets, ipv4, ipv6 } from "./guest_sockets.ts";

const method = (name: string) => `[method]tcp-socket.${name}`;

/** A listener of the test, with which a guest connects. */
function openListener(options: { tcpBacklog?: number } = {}): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0, ...options });
}

/** Reads until there are `count` bytes, or to the end of the stream. */
async function readAll(guest: GuestSockets, input: InputStream, count = Infinity) {
  const chunks: number[] = [];
  try {
    while (chunks.length < count) {
      const bytes = input.read(65_536);
      chunks.push(...bytes);
      if (bytes.length === 0) await guest.block(input);
    }
  } catch (error) {
    if (!(error instanceof StreamEnd)) throw error;
    assert.equal(error.error, undefined);
  }
  return chunks;
}

/** Writes until the stream stays full; returns the number of bytes. */
async function fill(stream: OutputStream): Promise<number> {
  let sent = 0;
  // The buffers of the system are filled first.
  for (let full = 0; full < 20; await new Promise((resolve) => setTimeout(resolve, 0))) {
    const room = stream.checkWrite();
    assert.ok(room <= 65_536);
    full = room === 0 ? full + 1 : 0;
    stream.write(new Uint8Array(room));
    sent += room;
  }
  return sent;
}

/** Reads to the end, and returns the number of bytes. */
async function countToEnd(peer: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(1 << 20);
  let received = 0;
  for (let count; (count = await peer.read(buffer)) !== null;) received += count;
  return received;
}

Deno.test("tcp socket: without a grant none is made, and no name is looked up", async () => {
  using guest = new GuestSockets({ ...everything, isEmpty: true });
  const create = guest.tryCall("tcp-create-socket", "create-tcp-socket", "ipv4");
  assert.equal(await create, "access-denied");
  const udp = guest.tryCall("udp-create-socket", "create-udp-socket", "ipv6");
  assert.equal(await udp, "access-denied");
  const lookup = guest.tryCall("ip-name-lookup", "resolve-addresses", {}, "127.0.0.1");
  assert.equal(await lookup, "access-denied");
});

Deno.test("tcp socket: connects, exchanges bytes and sees the end of the stream", async () => {
  using listener = openListener();
  using guest = new GuestSockets();
  const { socket, input, output } = await guest.connect(listener.addr.port);
  using peer = await listener.accept();
  const local = await guest.ok("tcp", method("local-address"), socket);
  assert.deepEqual(local, ipv4(peer.remoteAddr.port));
  assert.deepEqual(
    await guest.ok("tcp", method("remote-address"), socket),
    ipv4(listener.addr.port),
  );
  (output as OutputStream).write(new TextEncoder().encode("é"));
  const buffer = new Uint8Array(10);
  assert.equal(await peer.read(buffer), 2);
  await peer.write(Uint8Array.of(1, 2, 3));
  await peer.closeWrite();
  assert.deepEqual(await readAll(guest, input as InputStream), [1, 2, 3]);
  await guest.ok("tcp", method("shutdown"), socket, "send");
  assert.equal(await peer.read(buffer), null);
  assert.throws(() => (output as OutputStream).checkWrite(), StreamEnd);
});

Deno.test("tcp socket: a grant refuses addresses, and listening", async () => {
  const reached: unknown[] = [];
  using guest = new GuestSockets({
    ...everything,
    mayReach: (remote) => (reached.push(remote), false),
    mayListen: () => false,
  });
  const socket = await guest.tcpSocket();
  const connect = guest.tryCall("tcp", method("start-connect"), socket, {}, ipv4(9));
  assert.equal(await connect, "access-denied");
  assert.deepEqual(reached, [{ hostname: "127.0.0.1", port: 9 }]);
  const bind = guest.tryCall("tcp", method("start-bind"), socket, {}, ipv4(0));
  assert.equal(await bind, "access-denied");
  assert.equal(await guest.tryCall("tcp", method("finish-connect"), socket), "not-in-progress");
});

Deno.test("tcp socket: errors of the system are error-codes", async () => {
  using guest = new GuestSockets();
  using listener = openListener();
  const { port } = listener.addr;
  const socket = await guest.tcpSocket();
  const bind = (address: unknown) =>
    guest.tryCall("tcp", method("start-bind"), socket, {}, address);
  assert.equal(await bind(ipv4(port)), "address-in-use");
  assert.equal(await bind(ipv4(0, [192, 0, 2, 1])), "address-not-bindable");
  listener.close();
  await guest.ok("tcp", method("start-connect"), socket, {}, ipv4(port));
  await guest.block(socket);
  assert.equal(await guest.tryCall("tcp", method("finish-connect"), socket), "connection-refused");
  assert.equal(await bind(ipv4(0)), "invalid-state");
});

Deno.test("tcp socket: accepts connections, with the options of the listener", async () => {
  using guest = new GuestSockets();
  const { socket, port } = await guest.listen();
  assert.equal(await guest.tryCall("tcp", method("accept"), socket), "would-block");
  await guest.ok("tcp", method("set-keep-alive-idle-time"), socket, 42n);
  using peer = await Deno.connect({ hostname: "127.0.0.1", port });
  await guest.block(socket);
  const [accepted, input, output] = await guest.ok<[Pollable, InputStream, OutputStream]>(
    "tcp",
    method("accept"),
    socket,
  );
  assert.equal(await guest.ok("tcp", method("keep-alive-idle-time"), accepted), 42n);
  assert.deepEqual(
    await guest.ok("tcp", method("remote-address"), accepted),
    ipv4(peer.localAddr.port),
  );
  assert.equal(guest.call("sockets/tcp", method("is-listening"), socket), true);
  await peer.write(Uint8Array.of(7));
  assert.deepEqual(await readAll(guest, input, 1), [7]);
  output.write(Uint8Array.of(8));
  const buffer = new Uint8Array(1);
  await peer.read(buffer);
  assert.deepEqual([...buffer], [8]);
});

Deno.test("tcp socket: one of IPv6 has no peer of IPv4", async () => {
  using guest = new GuestSockets();
  const socket = await guest.tcpSocket("ipv6");
  const any = ipv6(0, [0, 0, 0, 0, 0, 0, 0, 0]);
  await guest.ok("tcp", method("start-bind"), socket, {}, any);
  for (const step of ["finish-bind", "start-listen", "finish-listen"]) {
    await guest.ok("tcp", method(step), socket);
  }
  const { value } = await guest.ok<typeof any>("tcp", method("local-address"), socket);
  using mapped = await Deno.connect({ hostname: "127.0.0.1", port: value.port });
  using peer = await Deno.connect({ hostname: "::1", port: value.port });
  await guest.block(socket);
  const [accepted] = await guest.ok<[Pollable]>("tcp", method("accept"), socket);
  const remote = await guest.ok("tcp", method("remote-address"), accepted);
  assert.deepEqual(remote, ipv6(peer.localAddr.port));
  assert.equal(await mapped.read(new Uint8Array(1)), null);
});

Deno.test("tcp socket: takes 64 KiB that the peer does not read, then waits", async () => {
  using listener = openListener();
  using guest = new GuestSockets();
  const { output, socket } = await guest.connect(listener.addr.port);
  using peer = await listener.accept();
  const stream = output as OutputStream;
  const sent = await fill(stream);
  assert.ok(!stream.isReady());
  await guest.ok("tcp", method("shutdown"), socket, "send");
  assert.equal(await countToEnd(peer), sent);
});

Deno.test("tcp socket: a peer that resets the connection is an error of the stream, once", async () => {
  using listener = openListener();
  using guest = new GuestSockets();
  const { output } = await guest.connect(listener.addr.port);
  const stream = output as OutputStream;
  const peer = await listener.accept();
  peer.close();
  let end: unknown;
  while (!end) {
    try {
      stream.write(new Uint8Array(Math.min(10, stream.checkWrite())));
      stream.flush();
      await guest.block(stream);
    } catch (error) {
      end = error;
    }
  }
  assert.ok(end instanceof StreamEnd && end.error);
  const code = guest.call("sockets/network", "network-error-code", end.error as IoError);
  assert.ok(["connection-aborted", "connection-reset"].includes(code as string), String(code));
  assert.throws(() => stream.checkWrite(), (error) => error instanceof StreamEnd && !error.error);
});

Deno.test("tcp socket: shutdown of the receiving side discards what has arrived", async () => {
  using listener = openListener();
  using guest = new GuestSockets();
  const { socket, input } = await guest.connect(listener.addr.port);
  using peer = await listener.accept();
  await peer.write(Uint8Array.of(1));
  await guest.block(input);
  await guest.ok("tcp", method("shutdown"), socket, "receive");
  assert.throws(() => (input as InputStream).read(0), StreamEnd);
});

Deno.test("tcp socket: the connection ends with the socket and both streams", async () => {
  using listener = openListener();
  using guest = new GuestSockets();
  const { socket, input, output } = await guest.connect(listener.addr.port);
  using peer = await listener.accept();
  const sent = await fill(output as OutputStream);
  guest.drop("sockets/tcp", "tcp-socket", socket);
  guest.drop("io/streams", "input-stream", input);
  assert.equal(guest.pending.size, 1);
  guest.drop("io/streams", "output-stream", output);
  assert.equal(await countToEnd(peer), sent);
  assert.equal(guest.pending.size, 0);
});

Deno.test("tcp socket: the end of the call closes connections and listeners", async () => {
  using listener = openListener();
  const guest = new GuestSockets();
  await guest.connect(listener.addr.port);
  using peer = await listener.accept();
  const { port } = await guest.listen();
  guest[Symbol.dispose]();
  assert.equal(await peer.read(new Uint8Array(1)), null);
  await assert.rejects(
    Deno.connect({ hostname: "127.0.0.1", port }),
    Deno.errors.ConnectionRefused,
  );
});

Deno.test("tcp socket: the end of the call cancels an attempt to connect", async () => {
  // The system accepts two connections beyond the listen queue, and lets others wait.
  using listener = openListener({ tcpBacklog: 1 });
  const guest = new GuestSockets();
  const sockets: Pollable[] = [];
  for (let count = 0; count < 4; count++) {
    const socket = await guest.tcpSocket();
    await guest.ok("tcp", method("start-connect"), socket, {}, ipv4(listener.addr.port));
    sockets.push(socket);
  }
  await Promise.all(sockets.slice(0, 2).map((socket) => guest.block(socket)));
  const last = sockets.at(-1);
  assert.equal(await guest.tryCall("tcp", method("finish-connect"), last), "would-block");
  guest[Symbol.dispose]();
  assert.equal(await guest.tryCall("tcp", method("finish-connect"), last), "not-in-progress");
});

Deno.test("tcp socket: an instance has up to 128, and a dropped one makes room", async () => {
  using guest = new GuestSockets();
  const sockets: unknown[] = [];
  for (let count = 0; count < 128; count++) sockets.push(await guest.tcpSocket());
  const create = () => guest.tryCall("tcp-create-socket", "create-tcp-socket", "ipv4");
  assert.equal(await create(), "new-socket-limit");
  guest.drop("sockets/tcp", "tcp-socket", sockets[0]);
  guest.drop("sockets/tcp", "tcp-socket", sockets[0]);
  assert.equal(typeof await create(), "object");
  assert.equal(await create(), "new-socket-limit");
});

Deno.test("tcp socket: an option must not be 0, and the hop limit cannot change", async () => {
  using guest = new GuestSockets();
  const socket = await guest.tcpSocket();
  for (const name of ["receive-buffer-size", "send-buffer-size", "keep-alive-interval"]) {
    assert.equal(await guest.tryCall("tcp", method(`set-${name}`), socket, 0n), "invalid-argument");
    await guest.ok("tcp", method(`set-${name}`), socket, 1000n);
    assert.equal(await guest.ok("tcp", method(name), socket), 1000n);
  }
  assert.equal(
    await guest.tryCall("tcp", method("set-keep-alive-count"), socket, 0),
    "invalid-argument",
  );
  const backlog = (size: bigint) =>
    guest.tryCall("tcp", method("set-listen-backlog-size"), socket, size);
  assert.deepEqual([await backlog(0n), await backlog(2n ** 64n - 1n)], [
    "invalid-argument",
    undefined,
  ]);
  const hops = (count: number) => guest.tryCall("tcp", method("set-hop-limit"), socket, count);
  assert.deepEqual([await hops(0), await hops(1), await hops(64)], [
    "invalid-argument",
    "not-supported",
    undefined,
  ]);
});

Deno.test("tcp socket: a bound one connects if the system may choose its source", async () => {
  using guest = new GuestSockets();
  using listener = openListener();
  const connectFrom = async (local: IpSocketAddress): Promise<Value> => {
    const socket = await guest.tcpSocket();
    await guest.ok("tcp", method("start-bind"), socket, {}, local);
    await guest.ok("tcp", method("finish-bind"), socket);
    const remote = ipv4(listener.addr.port);
    const error = await guest.tryCall("tcp", method("start-connect"), socket, {}, remote);
    if (error !== undefined) return error;
    await guest.block(socket);
    await guest.ok("tcp", method("finish-connect"), socket);
    using connection = await listener.accept();
    assert.deepEqual(
      await guest.ok("tcp", method("local-address"), socket),
      ipv4(connection.remoteAddr.port),
    );
    return "connected";
  };
  assert.equal(await connectFrom(ipv4(0)), "connected");
  assert.equal(await connectFrom(ipv4(0, [0, 0, 0, 0])), "connected");
  assert.equal(await connectFrom(ipv4(0, [127, 0, 0, 2])), "not-supported");
});
