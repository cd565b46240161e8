/** The largest inputs that a guest's memory allows, passed to every host function. */
import assert from "node:assert/strict";
import { createGuestFiles } from "../../src/files/guest_files.ts";
import { couchbaseFunctions } from "../../src/host/couchbase.ts";
import { environmentFunctions } from "../../src/host/env.ts";
import { fileFunctions } from "../../src/host/files.ts";
import type { HostFamily, Import } from "../../src/host/host_function.ts";
import { httpFunctions } from "../../src/host/http.ts";
import { hostImports, type InputName, maxInputBytes } from "../../src/host/imports.ts";
import { informationFunctions } from "../../src/host/info.ts";
import { logFunctions } from "../../src/host/log.ts";
import { extendedRedisFunctions, redisFunctions } from "../../src/host/redis.ts";
import type { KeyValueStore } from "../../src/store/services.ts";
import { Guest } from "../../src/wasm/guest.ts";
import { type MemoryIo, memoryIo } from "../testing/memory_io.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const page = 65_536;
const inputBytes = 72 * 1024 * 1024;
/** The cells are at 0 and 4, the guest's allocations after them, the input at `inputAt`. */
const resultAt = 16;
const inputAt = 32 * 1024 * 1024;

const unused = () => Promise.reject(new Error("unused"));
const unusedStore: KeyValueStore = {
  description: "unused",
  get: unused,
  set: unused,
  swap: unused,
  delete: unused,
  keys: unused,
  increment: unused,
  expire: unused,
  close: () => Promise.resolve(),
};

/** Calls host functions as a guest does whose memory is full of one input. */
class LargeGuest {
  readonly io: MemoryIo = memoryIo({});
  readonly guest: Guest;
  readonly memory: WebAssembly.Memory;
  readonly #imports: Record<string, Import> = {};

  constructor(families: readonly HostFamily[], timeoutMs = 60_000) {
    this.guest = new Guest(this.io, { sliceMs: 0, timeoutMs });
    this.memory = new WebAssembly.Memory({ initial: (inputAt + inputBytes) / page });
    new Uint8Array(this.memory.buffer, inputAt).fill(0x61);
    this.guest.memory.bind(this.memory);
    this.guest.allocateBuffer = (size) => {
      const missing = resultAt + size - this.memory.buffer.byteLength;
      if (missing > 0) this.memory.grow(Math.ceil(missing / page));
      return resultAt;
    };
    for (const family of families) {
      const { sync, suspending } = family(this.guest);
      Object.assign(this.#imports, sync, suspending);
    }
  }

  /** Calls a function with inputs of these lengths; returns its result, if it has one. */
  async call(name: string, ...lengths: number[]): Promise<string> {
    this.guest.begin(true, performance.now());
    const hasResult = name !== "hostLogString";
    const numbers = lengths.flatMap((length) => [inputAt, length]);
    await this.#imports[name]?.(...numbers, ...(hasResult ? [0, 4] : []));
    if (!hasResult) return "";
    const cells = new DataView(this.memory.buffer);
    const [at, length] = [cells.getUint32(0, true), cells.getUint32(4, true)];
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, at, length));
  }
}

function allFamilies(cwd: string): HostFamily[] {
  const sandbox = false;
  const queries = { description: "unused", query: unused, close: () => Promise.resolve() };
  return [
    logFunctions,
    informationFunctions({ pings: 0 }),
    environmentFunctions({ variables: {}, sandbox }),
    fileFunctions(createGuestFiles({ cwd, dirs: [], ownFiles: [], sandbox })),
    httpFunctions({ client: unused, sandbox }),
    redisFunctions({ store: unusedStore, sandbox }),
    extendedRedisFunctions({ store: unusedStore, sandbox }),
    couchbaseFunctions({ queries, sandbox }),
  ];
}

Deno.test("host functions: each refuses an oversized input before it reads it", () =>
  inFolder(async (folder) => {
    const large = new LargeGuest(allFamilies(folder));
    const all = Object.values(hostImports).flatMap((functions) => Object.entries(functions));
    for (const [name, parameters] of all) {
      const inputs = parameters.filter((each) => each.endsWith("_ptr")).map((each) =>
        each.replace(/_ptr$/, "") as InputName
      );
      for (const [index, input] of inputs.entries()) {
        const maxBytes = maxInputBytes[input];
        if (maxBytes === Infinity || name === "hostLogString") continue;
        const lengths = inputs.map((_, other) => other === index ? maxBytes + 1 : 1);
        assert.equal(
          await large.call(name, ...lengths),
          `[ERR][0]:the ${input} has ${maxBytes + 1} bytes, and at most ${maxBytes} are allowed`,
          `${name} ${input}`,
        );
      }
    }
  }));

Deno.test("hostLogString: truncates a large message and notes how much", async () => {
  const large = new LargeGuest([logFunctions]);
  await large.call("hostLogString", inputBytes);
  large.guest.output.end();
  const left = inputBytes - maxInputBytes.message;
  const expected = "a".repeat(maxInputBytes.message) + ` … (${left} bytes left out)\n`;
  assert.ok(large.io.stdout.text === expected, large.io.stdout.text.slice(-100));
});

Deno.test("host functions: a large body or file content stops at the deadline", () =>
  inFolder(async (folder) => {
    const late = new LargeGuest(allFamilies(folder), 1);
    const stopped = /^\[ERR\]\[0\]:the function was stopped .*'-timeout' allows 1 ms$/;
    assert.match(await late.call("hostWriteFile", 1, inputBytes), stopped);
    assert.ok(Deno.statSync(`${folder}/a`).size < inputBytes);
    await assert.rejects(late.call("hostHttp", 1, 1, 1, inputBytes), { code: "TIMEOUT" });

    const ample = new LargeGuest(allFamilies(folder));
    assert.equal(await ample.call("hostWriteFile", 1, inputBytes), "file created");
    assert.equal(Deno.statSync(`${folder}/a`).size, inputBytes);
    assert.match(await late.call("hostReadFile", 1), stopped);
    assert.equal((await ample.call("hostReadFile", 1)).length, inputBytes);
  }));

Deno.test("redisKeys: returns hundreds of thousands of keys", async () => {
  const keys = Array.from(
    { length: 300_000 },
    (_, index) => new TextEncoder().encode(`k"${index}`),
  );
  const store = { ...unusedStore, keys: () => Promise.resolve(keys) };
  const guest = new LargeGuest([extendedRedisFunctions({ store, sandbox: false })]);
  const result = JSON.parse(await guest.call("redisKeys", 1));
  assert.deepEqual([result.length, result.at(-1)], [300_000, 'k"299999']);
});
