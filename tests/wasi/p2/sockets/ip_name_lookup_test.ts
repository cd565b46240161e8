import assert from "node:assert/strict";
import type { Pollable } from "../../../../src/wasi/p2/stream_types.ts";
import { everything, GuestSockets } from "./guest_sockets.ts";

async function resolve(guest: GuestSockets, name: string): Promise<unknown> {
  const stream = await guest.tryCall("ip-name-lookup", "resolve-addresses", {}, name);
  if (typeof stream === "string") return stream;
  await guest.block(stream as unknown as Pollable);
  const found: unknown[] = [];
  const method = "[method]resolve-address-stream.resolve-next-address";
  while (true) {
    const next = await guest.tryCall("ip-name-lookup", method, stream);
    if (next === undefined) return found;
    if (typeof next === "string") return next;
    found.push((next as { value: number[] }).value.join("."));
  }
}

Deno.test("name lookup: returns the addresses in order, without IPv4-mapped ones", async () => {
  const names: string[] = [];
  using guest = new GuestSockets({
    ...everything,
    resolve: (name) => {
      names.push(name);
      return Promise.resolve(["127.0.0.9", "::ffff:127.0.0.1", "::2"]);
    },
  });
  assert.deepEqual(await resolve(guest, "Bücher.Example."), ["127.0.0.9", "0.0.0.0.0.0.0.2"]);
  assert.deepEqual(names, ["xn--bcher-kva.example."]);
});

Deno.test("name lookup: an address is returned unchanged, in brackets or without", async () => {
  const forbidden = () => Promise.reject(new Error("looked up"));
  using guest = new GuestSockets({ ...everything, mayResolve: () => false, resolve: forbidden });
  assert.deepEqual(await resolve(guest, "127.0.0.1"), ["127.0.0.1"]);
  assert.deepEqual(await resolve(guest, "[::1]"), ["0.0.0.0.0.0.0.1"]);
  assert.deepEqual(await resolve(guest, "DEAD:beef::"), ["57005.48879.0.0.0.0.0.0"]);
});

Deno.test("name lookup: other text is an invalid argument, and a name may be denied", async () => {
  using guest = new GuestSockets({ ...everything, mayResolve: (name) => name !== "denied" });
  const invalid = ["", " ", "a b", "a.b<&>", "127.0.0.1:80", "[::1]:80", "[127.0.0.1]", "http://x"];
  for (const name of [...invalid, "a@b", "a#b", "a%41", "x".repeat(255), "\0", "😀".repeat(99)]) {
    assert.equal(await resolve(guest, name), "invalid-argument", JSON.stringify(name));
  }
  assert.equal(await resolve(guest, "Denied"), "access-denied");
});

Deno.test("name lookup: would block until the result arrives, and reports the resolver's error", async () => {
  const { promise, reject } = Promise.withResolvers<string[]>();
  let forgotten = 0;
  const guest = new GuestSockets({
    ...everything,
    resolve: () => promise,
    forget: () => forgotten++,
  });
  const stream = await guest.ok("ip-name-lookup", "resolve-addresses", {}, "name");
  const next = () =>
    guest.tryCall(
      "ip-name-lookup",
      "[method]resolve-address-stream.resolve-next-address",
      stream,
    );
  assert.equal(await next(), "would-block");
  reject(Object.assign(new Error("none"), { code: "ENOTFOUND" }));
  await guest.block(stream as unknown as Pollable);
  assert.equal(await next(), "name-unresolvable");
  guest[Symbol.dispose]();
  assert.equal(forgotten, 1);
});
