import assert from "node:assert/strict";
import { openFolder } from "../../src/files/folder.ts";
import {
  allRights,
  directoryRights,
  Errno,
  fileRights,
  Oflags,
  Right,
} from "../../src/wasi/preview1.ts";
import { loadFamilies } from "../../src/wasi/imports.ts";
import { Wasi, type WasiOptions } from "../../src/wasi/wasi.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

const families = await loadFamilies();

type Call = (...parameters: (number | bigint)[]) => number | Promise<number>;

const errnoNames = new Map<number, string>(
  Object.entries(Errno).map(([name, number]) => [number, name]),
);

/** Bytes in the guest's memory. */
export interface Placed {
  readonly at: number;
  readonly length: number;
}

/** Options of WASI, with preopened directories by their paths. */
type GuestOptions = Partial<Omit<WasiOptions, "preopens">> & {
  /** Default: `inside` of the guest's folder as `/data`. */
  readonly preopens?: readonly { host: string; guest: string }[];
  readonly ownFiles?: readonly string[];
};

/**
 * A guest without a module: a memory of one page, a temporary folder as descriptor 3, and the
 * functions as its code would call them. `put` fills the lower half of the memory; the upper half
 * is for results.
 */
export class Guest implements Disposable {
  readonly folder = new TemporaryFolder();
  readonly wasi: Wasi;
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  readonly written = { stdout: "", stderr: "" };
  #free = 16;

  constructor(options: GuestOptions = {}) {
    const { preopens = [{ host: this.folder.inside, guest: "/data" }], ownFiles = [], ...rest } =
      options;
    const text = new TextDecoder();
    this.wasi = new Wasi({
      families,
      args: ["program"],
      env: {},
      preopens: preopens.map(({ host, guest }) => ({
        guest,
        open: () => openFolder(host, ownFiles),
      })),
      stdin: { kind: "empty" },
      stdout: (bytes) => void (this.written.stdout += text.decode(bytes)),
      stderr: (bytes) => void (this.written.stderr += text.decode(bytes)),
      ...rest,
    });
    this.wasi.memory.bind(this.memory);
  }

  /** Pointer to the results. */
  readonly result = 0x8000;

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer);
  }

  /** Calls a function and returns the name of its error number, `SUCCESS` for 0. */
  call(name: keyof Wasi["imports"], ...parameters: (number | bigint)[]): string {
    const errno = (this.wasi.imports[name] as unknown as Call)(...parameters);
    assert.equal(typeof errno, "number", `${name} waits`);
    return errnoNames.get(errno as number) ?? String(errno);
  }

  /** Calls a function that may wait, as `call` does. */
  async wait(name: keyof Wasi["imports"], ...parameters: (number | bigint)[]): Promise<string> {
    const errno = await (this.wasi.imports[name] as unknown as Call)(...parameters);
    return errnoNames.get(errno) ?? String(errno);
  }

  put(content: string | Uint8Array): Placed {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const at = this.#free;
    this.#free += (bytes.length + 15) & ~15;
    assert.ok(this.#free <= 0x8000, "the lower half is full");
    this.bytes.set(bytes, at);
    return { at, length: bytes.length };
  }

  /** Puts a list of iovecs. */
  iovs(...buffers: readonly Placed[]): Placed {
    const list = new Uint8Array(buffers.length * 8);
    const view = new DataView(list.buffer);
    buffers.forEach(({ at, length }, index) => {
      view.setUint32(index * 8, at, true);
      view.setUint32(index * 8 + 4, length, true);
    });
    return this.put(list);
  }

  u32(at = this.result): number {
    return this.view.getUint32(at, true);
  }

  u64(at = this.result): bigint {
    return this.view.getBigUint64(at, true);
  }

  text(at: number, length: number): string {
    return new TextDecoder().decode(this.bytes.slice(at, at + length));
  }

  /** Calls a function of descriptor 3 and a path. */
  path(name: keyof Wasi["imports"], path: string, ...rest: (number | bigint)[]): string {
    const { at, length } = this.put(path);
    return this.call(name, 3, at, length, ...rest);
  }

  /** Opens a path below descriptor 3 and returns the error; the descriptor is then `u32()`. */
  tryOpen(path: string, options: OpenOptions = {}): string {
    const { at, length } = this.put(path);
    const { fd = 3, follow = true, flags = 0, open = 0 } = options;
    const rights = BigInt(options.rights ?? fileRights);
    const inheriting = BigInt(options.inheriting ?? 0);
    const lookup = follow ? 1 : 0;
    return this.call(
      "path_open",
      fd,
      lookup,
      at,
      length,
      open,
      rights,
      inheriting,
      flags,
      this.result,
    );
  }

  open(path: string, options: OpenOptions = {}): number {
    assert.equal(this.tryOpen(path, options), "SUCCESS", path);
    return this.u32();
  }

  openFolder(path: string): number {
    return this.open(path, {
      rights: directoryRights | Right.fdRead,
      inheriting: allRights & ~(Right.sockAccept | Right.sockShutdown),
      open: Oflags.directory,
    });
  }

  write(fd: number, content: string): string {
    const iovs = this.iovs(this.put(content));
    return this.call("fd_write", fd, iovs.at, 1, this.result);
  }

  /** Reads up to `length` bytes as text. */
  read(fd: number, length = 1000): string {
    const iovs = this.iovs({ at: 0x9000, length });
    assert.equal(this.call("fd_read", fd, iovs.at, 1, this.result), "SUCCESS");
    return this.text(0x9000, this.u32());
  }

  /** Returns the `filestat` of a path. */
  status(path: string, follow = true) {
    const { at, length } = this.put(path);
    assert.equal(
      this.call("path_filestat_get", 3, follow ? 1 : 0, at, length, this.result),
      "SUCCESS",
      path,
    );
    const at64 = (offset: number) => this.u64(this.result + offset);
    return {
      inode: at64(8),
      type: this.view.getUint8(this.result + 16),
      links: at64(24),
      size: at64(32),
      accessNs: at64(40),
      modifyNs: at64(48),
    };
  }

  [Symbol.dispose](): void {
    this.wasi.close();
    this.folder[Symbol.dispose]();
  }
}

export interface OpenOptions {
  fd?: number;
  follow?: boolean;
  flags?: number;
  open?: number;
  rights?: number;
  inheriting?: number;
}
