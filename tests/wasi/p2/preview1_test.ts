import assert from "node:assert/strict";
import { replaceAdapter } from "../../../src/component/adapter/replace_adapter.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { LiveComponent } from "../../../src/component/instance/live_component.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import type { Plan } from "../../../src/component/link/plan.ts";
import { openFolder } from "../../../src/files/folder.ts";
import { systemClock } from "../../../src/wasi/clock.ts";
import { ComponentExit } from "../../../src/wasi/p2/cli.ts";
import { P2Host } from "../../../src/wasi/p2/host.ts";
import { loadPreview1 } from "../../../src/wasi/p2/preview1.ts";
import type { P2State } from "../../../src/wasi/p2/state.ts";
import { BytesInput, FunctionOutput } from "../../../src/wasi/p2/stream_sources.ts";
import { StreamEnd } from "../../../src/wasi/p2/stream_end.ts";
import type { OutputStream } from "../../../src/wasi/p2/stream_types.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { TemporaryFolder } from "../../testing/temporary_folder.ts";

const file = new URL("../../testdata/adapter/calls.wasm", import.meta.url);
const linked = linkComponent(decodeComponent(await Deno.readFile(file)));
/** The component with its adapter, and with Capsule's preview1. */
const plans: readonly Plan[] = [linked, replaceAdapter(linked)];

/** Error number and memory of one call. */
const recordBytes = 132;

class Output {
  readonly bytes: number[] = [];
  readonly stream: OutputStream = new FunctionOutput((bytes) => void this.bytes.push(...bytes));
}

/** Instantiates the component. Without `stdout` its output is kept. */
async function instantiate(
  plan: Plan,
  { folder, stdout }: { folder?: string; stdout?: OutputStream } = {},
) {
  const output = { stdout: new Output(), stderr: new Output() };
  const opened = folder === undefined ? [] : [openFolder(folder, [])];
  const preopens = opened.flatMap((folder) =>
    ["/data", "é"].map((guest) => ({ guest, folder: () => folder }))
  );
  const state: P2State = {
    args: ["calls", "é", ""],
    env: [["A", "b=c"], ["É", ""]],
    stdin: () => new BytesInput(new Uint8Array(0)),
    stdout: () => stdout ?? output.stdout.stream,
    stderr: () => output.stderr.stream,
    terminals: { stdin: false, stdout: true, stderr: false },
    clock: systemClock(),
    random: (bytes) => void bytes.fill(7),
    pending: new Set(),
    assertInTime: () => {},
    beforeSideEffect: () => {},
  };
  const guest = quietGuest();
  const host = new P2Host({
    state,
    preopens,
    preview1: plan.preview1 && await loadPreview1(plan.preview1.functions),
  });
  const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
  const live = new LiveComponent(plan, { modules, host, guest });
  const call = async (name: string, ...args: number[]) => {
    live.begin(true, performance.now());
    return await live.func(name)?.callAwaitable(args);
  };
  return { call, host, output, close: () => opened.forEach((folder) => folder.close()) };
}

/** Returns what every call returned, one line each: the error number and the memory. */
function records(bytes: readonly number[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const memory = bytes.slice(at + 4, at + recordBytes).join(" ").replace(/( ?\b0)+$/, "");
    lines.push(`${bytes[at]}: ${memory}`);
  }
  return lines;
}

/** Calls the component both ways and returns the results of `use`. */
async function bothWays<T>(
  use: (instance: Awaited<ReturnType<typeof instantiate>>) => Promise<T>,
  options: Parameters<typeof instantiate>[1] = {},
): Promise<T[]> {
  const results: T[] = [];
  for (const plan of plans) {
    const instance = await instantiate(plan, options);
    try {
      results.push(await use(instance));
    } finally {
      instance.close();
    }
  }
  return results;
}

Deno.test("preview1 in a component: calls have the results of the adapter", async () => {
  assert.notEqual(plans[1], linked);
  using folder = new TemporaryFolder();
  const [adapter, replaced] = await bothWays(async ({ call, output }) => {
    await call("run");
    return { stdout: output.stdout.bytes, records: records(output.stderr.bytes) };
  }, { folder: folder.inside });
  assert.ok((adapter?.records.length ?? 0) > 150);
  assert.deepEqual(replaced, adapter);
});

Deno.test("preview1 in a component: a reset opens the descriptors again", async () => {
  using folder = new TemporaryFolder();
  const { call, host, output, close } = await instantiate(plans[1] as Plan, {
    folder: folder.inside,
  });
  await call("run");
  const fresh = records(output.stderr.bytes);
  host.reset();
  await call("run");
  assert.deepEqual(records(output.stderr.bytes).slice(fresh.length), fresh);
  close();
});

for (const code of [0, 1, 3, 256]) {
  Deno.test(`preview1 in a component: proc_exit(${code}) reports what the adapter reports`, async () => {
    const codes = await bothWays(async ({ call }) => {
      try {
        await call("exit", code);
      } catch (error) {
        if (error instanceof ComponentExit) return error.code;
        throw error;
      }
    });
    assert.deepEqual(codes, code === 0 ? [0, 0] : [1, 1]);
  });
}

Deno.test("preview1 in a component: pointers out of bounds trap as in the adapter", async () => {
  using folder = new TemporaryFolder();
  for (let which = 0; which < 13; which++) {
    const ends = await bothWays(async ({ call, output }) => {
      try {
        await call("fault", which);
        return records(output.stderr.bytes);
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) return "trap";
        throw error;
      }
    }, { folder: folder.inside });
    assert.deepEqual(ends[0], ends[1], `fault ${which}`);
    // From 9 on, the call is refused before its pointer is used.
    assert.equal(ends[0] === "trap", which < 9, `fault ${which}`);
  }
});

Deno.test("preview1 in a component: clocks are those of WASI 0.2, and never go back", async () => {
  await bothWays(async ({ call }) => {
    const wall = await call("time", 0) as bigint;
    assert.ok(Math.abs(Number(wall / 1_000_000n) - Date.now()) < 60_000);
    const first = await call("time", 1) as bigint;
    const second = await call("time", 1) as bigint;
    assert.ok(first > 0n && second >= first);
  });
});

/** A stream that is full until it is waited for, and takes two bytes a write. */
function slowStream(taken: number[]): OutputStream {
  let isFull = true;
  return {
    isReady: () => !isFull,
    whenReady: (listener) => {
      const timer = setTimeout(() => {
        isFull = false;
        listener();
      }, 0);
      return () => clearTimeout(timer);
    },
    checkWrite: () => isFull ? 0 : 2,
    write: (bytes) => {
      taken.push(...bytes);
      isFull = true;
    },
    flush: () => {},
    close: () => {},
  };
}

Deno.test("preview1 in a component: fd_write waits for a stream that is full", async () => {
  const taken: number[] = [];
  const plan = plans[1] as Plan;
  const { call, output } = await instantiate(plan, { stdout: slowStream(taken) });
  await call("run");
  assert.deepEqual(taken.slice(0, 4), [...new TextEncoder().encode("abab")]);
  assert.ok(output.stderr.bytes.length > 0);
});

Deno.test("preview1 in a component: a closed stream is the error of the adapter", async () => {
  const closed: OutputStream = {
    ...slowStream([]),
    isReady: () => true,
    checkWrite: () => {
      throw new StreamEnd();
    },
  };
  const [adapter, replaced] = await bothWays(async ({ call, output }) => {
    await call("run");
    return records(output.stderr.bytes);
  }, { stdout: closed });
  assert.deepEqual(replaced, adapter);
});
