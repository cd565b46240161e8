import assert from "node:assert/strict";
import { openFolder } from "../../../src/files/folder.ts";
import { filesystemInterface, preopensInterface } from "../../../src/wasi/p2/filesystem.ts";
import type { P2Interface, P2State } from "../../../src/wasi/p2/state.ts";
import type { InputStream, OutputStream } from "../../../src/wasi/p2/stream_types.ts";
import { TemporaryFolder } from "../../testing/temporary_folder.ts";

const flags = { read: 1, write: 2 };
const create = 1;

interface Descriptor {
  readonly handle: number;
}

/** `wasi:filesystem` of one guest, with a folder that it may change. */
class GuestFiles implements Disposable {
  readonly folder = new TemporaryFolder();
  readonly pending = new Set<() => void>();
  readonly #root = openFolder(this.folder.inside, []);
  readonly #types: P2Interface;
  readonly #preopened: Descriptor;

  constructor() {
    const state: Pick<P2State, "pending" | "assertInTime" | "beforeSideEffect"> = {
      pending: this.pending,
      assertInTime: () => {},
      beforeSideEffect: () => {},
    };
    this.#types = filesystemInterface(state as P2State);
    const preopens = preopensInterface([{ guest: "/", folder: () => this.#root }]);
    const [found] = preopens.functions["get-directories"]?.() as [Descriptor, string][];
    assert.ok(found);
    this.#preopened = found[0];
  }

  /** Calls a method of a descriptor, which must succeed. */
  call<T>(name: string, self: Descriptor, ...args: unknown[]): T {
    const method = this.#types.functions[`[method]descriptor.${name}`] as (
      ...args: unknown[]
    ) => { tag: string; value: T };
    const { tag, value } = method(self, ...args);
    assert.equal(tag, "ok", `${name}: ${value}`);
    return value;
  }

  open(name: string, flags: number, openFlags = 0): Descriptor {
    return this.call("open-at", this.#preopened, 0, name, openFlags, flags);
  }

  drop(descriptor: Descriptor): void {
    this.#types.drops?.["descriptor"]?.(descriptor as never);
  }

  /** Ends the call, as a reset of the instance does. */
  endCall(): void {
    for (const cancel of this.pending) cancel();
    this.pending.clear();
  }

  [Symbol.dispose](): void {
    this.endCall();
    this.#root.close();
    this.folder[Symbol.dispose]();
  }
}

const closed = { code: "EBADF" };

Deno.test("filesystem: a stream reads its file after the descriptor was dropped", () => {
  using files = new GuestFiles();
  files.folder.write("inside/a", "first");
  files.folder.write("inside/b", "second");
  const first = files.open("a", flags.read);
  const { handle } = first;
  const stream = files.call<InputStream>("read-via-stream", first, 0n);
  files.drop(first);
  // The system gives the number of a closed handle to the next file.
  const second = files.open("b", flags.read);
  assert.equal(new TextDecoder().decode(stream.read(10)), "first");
  stream.close();
  assert.throws(() => first.handle, closed);
  assert.equal(files.open("a", flags.read).handle, handle, "the handle was closed");
  files.drop(second);
});

Deno.test("filesystem: a stream writes its file after the descriptor was dropped", () => {
  using files = new GuestFiles();
  const first = files.open("a", flags.write, create);
  const streams = ["write-via-stream", "append-via-stream"].map((name) =>
    files.call<OutputStream>(name, first, 0n)
  );
  files.drop(first);
  const second = files.open("b", flags.write, create);
  for (const stream of streams) stream.write(new TextEncoder().encode("text"));
  assert.equal(files.folder.read("inside/a"), "texttext");
  assert.equal(files.folder.read("inside/b"), "");
  for (const stream of streams) stream.close();
  assert.throws(() => first.handle, closed);
  files.drop(second);
});

Deno.test("filesystem: what is open when the call ends is closed, and its streams fail", () => {
  using files = new GuestFiles();
  files.folder.write("inside/a", "first");
  files.folder.write("inside/b", "second");
  const first = files.open("a", flags.read);
  const stream = files.call<InputStream>("read-via-stream", first, 0n);
  files.endCall();
  files.open("b", flags.read);
  assert.throws(() => stream.read(10));
  assert.throws(() => first.handle, closed);
  // Handles may be dropped after the end, in any order.
  files.drop(first);
  stream.close();
});
