import assert from "node:assert/strict";
import type { IncomingDatagram } from "../../../../src/wasi/p2/sockets/datagram_queue.ts";
import type {
  IncomingDatagrams,
  OutgoingDatagrams,
} from "../../../../src/wasi/p2/sockets/datagram_streams.ts";
import type { IpSocketAddress } from "../../../../src/wasi/p2/sockets/socket_address.ts";
import { everything, GuestSockets, ipv4, ipv6 } from "./guest_sockets.ts";

const method = (name: string) => `[method]udp-socket.${name}`;

function openPeer(): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
}

function portOf({ addr }: Deno.DatagramConn): number {
  return (addr as Deno.NetAddr).port;
}

/** Opens a socket with its streams. */
async function open(guest: GuestSockets, remote?: IpSocketAddress) {
  const socket = await guest.udpSocket();
  const [incoming, outgoing] = await guest.ok<[IncomingDatagrams, OutgoingDatagrams]>(
    "udp",
    method("stream"),
    socket,
    remote,
  );
  const local = await guest.ok<IpSocketAddress>("udp", method("local-address"), socket);
  return { socket, incoming, outgoing, address: { ...local.value, hostname: "127.0.0.1" } };
}

const receive = (guest: GuestSockets, incoming: IncomingDatagrams, count = 100n) =>
  guest.tryCall("udp", "[method]incoming-datagram-stream.receive", incoming, count);

async function receiveOne(guest: GuestSockets, incoming: IncomingDatagrams) {
  await guest.block(incoming);
  const [datagram] = await receive(guest, incoming, 1n) as unknown as IncomingDatagram[];
  return datagram;
}

const send = async (guest: GuestSockets, outgoing: OutgoingDatagrams, datagrams: unknown[]) => {
  await guest.ok("udp", "[method]outgoing-datagram-stream.check-send", outgoing);
  return await guest.tryCall(
    "udp",
    "[method]outgoing-datagram-stream.send",
    outgoing,
    datagrams,
  );
};

const to = (remote: IpSocketAddress | undefined, ...bytes: number[]) => ({
  data: Uint8Array.from(bytes),
  "remote-address": remote,
});

Deno.test("udp socket: sends and receives datagrams of every size", async () => {
  using guest = new GuestSockets();
  const peer = openPeer();
  const { incoming, outgoing, address } = await open(guest);
  const remote = ipv4(portOf(peer));
  for (const size of [0, 1, 65_507]) {
    const data = new Uint8Array(size).fill(size);
    assert.equal(await send(guest, outgoing, [{ data, "remote-address": remote }]), 1n);
    const [bytes, source] = await peer.receive(new Uint8Array(65_536));
    assert.equal((source as Deno.NetAddr).port, address.port);
    await peer.send(bytes, source);
    assert.deepEqual(await receiveOne(guest, incoming), { data, "remote-address": remote });
  }
  const large = { data: new Uint8Array(65_508), "remote-address": remote };
  assert.equal(await send(guest, outgoing, [large]), "datagram-too-large");
  assert.equal(await send(guest, outgoing, [to(remote, 1), large, to(remote, 2)]), 1n);
  assert.deepEqual(await receive(guest, incoming, 0n), []);
  peer.close();
});

Deno.test("udp socket: a datagram needs an address that its stream may send to", async () => {
  using guest = new GuestSockets({ ...everything, mayReach: ({ port }) => port !== 2 });
  const { outgoing } = await open(guest);
  for (
    const [remote, expected] of [
      [undefined, "invalid-argument"],
      [ipv6(1), "invalid-argument"],
      [ipv4(0), "invalid-argument"],
      [ipv4(1, [0, 0, 0, 0]), "invalid-argument"],
      [ipv4(2), "access-denied"],
    ] as const
  ) assert.equal(await send(guest, outgoing, [to(remote, 1)]), expected);
  const peer = openPeer();
  const connected = await open(guest, ipv4(portOf(peer)));
  assert.equal(await send(guest, connected.outgoing, [to(ipv4(1), 1)]), "invalid-argument");
  assert.equal(await send(guest, connected.outgoing, [to(undefined, 5)]), 1n);
  assert.deepEqual([...(await peer.receive())[0]], [5]);
  const denied = guest.tryCall("udp", method("stream"), connected.socket, ipv4(2));
  assert.equal(await denied, "access-denied");
  peer.close();
});

Deno.test("udp socket: more datagrams than check-send permitted are a trap", async () => {
  using guest = new GuestSockets();
  const { outgoing } = await open(guest);
  const unasked = () =>
    guest.tryCall("udp", "[method]outgoing-datagram-stream.send", outgoing, [to(ipv4(9), 1)]);
  await assert.rejects(unasked, /more datagrams than check-send permitted/);
  const many = Array.from({ length: 17 }, () => to(ipv4(9), 1));
  await assert.rejects(send(guest, outgoing, many), /more datagrams than check-send permitted/);
});

Deno.test("udp socket: with a peer it receives from that one only, and old streams end", async () => {
  using guest = new GuestSockets();
  const [wanted, other] = [openPeer(), openPeer()];
  const { socket, incoming: all, outgoing, address } = await open(guest);
  const destination: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: address.port };
  await other.send(Uint8Array.of(1), destination);
  await guest.block(all);
  const [incoming] = await guest.ok<[IncomingDatagrams]>(
    "udp",
    method("stream"),
    socket,
    ipv4(portOf(wanted)),
  );
  await other.send(Uint8Array.of(2), destination);
  await wanted.send(Uint8Array.of(3), destination);
  assert.deepEqual([...(await receiveOne(guest, incoming))?.data ?? []], [3]);
  assert.equal(await receive(guest, all), "invalid-state");
  const check = "[method]outgoing-datagram-stream.check-send";
  assert.equal(await guest.tryCall("udp", check, outgoing), "invalid-state");
  const remote = await guest.ok("udp", method("remote-address"), socket);
  assert.deepEqual(remote, ipv4(portOf(wanted)));
  wanted.close();
  other.close();
});

Deno.test("udp socket: a client receives only from peers that it may reach", async () => {
  const [wanted, other] = [openPeer(), openPeer()];
  const mayReach = ({ port }: { port: number }) => port === portOf(wanted);
  using guest = new GuestSockets({ ...everything, mayListen: () => false, mayReach });
  const { incoming, address } = await open(guest);
  const destination: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: address.port };
  await other.send(Uint8Array.of(1), destination);
  await wanted.send(Uint8Array.of(2), destination);
  assert.deepEqual([...(await receiveOne(guest, incoming))?.data ?? []], [2]);
  const socket = await guest.ok("udp-create-socket", "create-udp-socket", "ipv4");
  const bind = guest.tryCall("udp", method("start-bind"), socket, {}, ipv4(53));
  assert.equal(await bind, "access-denied");
  wanted.close();
  other.close();
});

Deno.test("udp socket: keeps up to 16 datagrams, and leaves others to the system", async () => {
  using guest = new GuestSockets();
  const peer = openPeer();
  const { incoming, address } = await open(guest);
  const destination: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: address.port };
  for (let at = 0; at < 40; at++) await peer.send(Uint8Array.of(at), destination);
  const received: number[] = [];
  while (received.length < 40) {
    await guest.block(incoming);
    for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
    const datagrams = await receive(guest, incoming) as unknown as IncomingDatagram[];
    assert.ok(datagrams.length <= 16);
    received.push(...datagrams.flatMap(({ data }) => [...data]));
  }
  assert.deepEqual(received, Array.from({ length: 40 }, (_, at) => at));
  peer.close();
});

Deno.test("udp socket: its states and the errors in each", async () => {
  using guest = new GuestSockets();
  const socket = await guest.ok("udp-create-socket", "create-udp-socket", "ipv4");
  const call = (name: string, ...args: unknown[]) =>
    guest.tryCall("udp", method(name), socket, ...args);
  assert.equal(await call("finish-bind"), "not-in-progress");
  assert.equal(await call("stream", undefined), "invalid-state");
  assert.equal(await call("local-address"), "invalid-state");
  assert.equal(await call("start-bind", {}, ipv4(0)), undefined);
  assert.equal(await call("start-bind", {}, ipv4(0)), "concurrency-conflict");
  assert.equal(await call("local-address"), "invalid-state");
  assert.equal(await call("finish-bind"), undefined);
  assert.equal(await call("start-bind", {}, ipv4(0)), "invalid-state");
  assert.equal(await call("remote-address"), "invalid-state");
  assert.equal(await call("stream", ipv6(1)), "invalid-argument");
});

Deno.test("udp socket: is closed with its last stream, or at the end of the call", async () => {
  const guest = new GuestSockets();
  const { socket, incoming, outgoing, address } = await open(guest);
  guest.drop("sockets/udp", "udp-socket", socket);
  guest.drop("sockets/udp", "incoming-datagram-stream", incoming);
  const bind = () => Deno.listenDatagram({ transport: "udp", ...address });
  assert.throws(bind, Deno.errors.AddrInUse);
  guest.drop("sockets/udp", "outgoing-datagram-stream", outgoing);
  bind().close();
  const other = await open(guest);
  void guest.block(other.incoming);
  guest[Symbol.dispose]();
  // Deno closes a socket that receives in the next turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  Deno.listenDatagram({ transport: "udp", ...other.address }).close();
});
