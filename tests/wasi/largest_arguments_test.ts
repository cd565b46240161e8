import assert from "node:assert/strict";
import { createLog } from "../../src/base/log.ts";
import { parse } from "../../src/cli/parse.ts";
import { hostImports, maxInputBytes, type Parameter } from "../../src/host/imports.ts";
import { grantsOf, limitsOf } from "../../src/modes/runner_flags.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import { loadBlueprint } from "../../src/runner/load_code.ts";
import { openProgram } from "../../src/runner/open_program.ts";
import type { Preview1Name } from "../../src/wasi/imports.ts";
import { compileWat } from "../prepare/modules.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { parameters } from "./parameters.ts";

const pages = 1024;
const size = pages * 65_536;
/** The last bytes of the memory, for results. */
const result = size - 128;
const timeoutMs = 250;
/**
 * Longest run, as a multiple of the run of a loop that computes until its timeout. Without a check,
 * most rows take ten times and more.
 */
const maxLoops = 4;
/** Calls of the import in one run: more than the host calls between two clock reads. */
const calls = 64;

/** Descriptor of a sparse file that the guest opens. */
const file = 4;

/** A call with arguments as large as the memory allows, with each byte of memory set to `fill`. */
interface LargeCall {
  readonly from: string;
  readonly name: string;
  readonly args: readonly (number | bigint)[];
  readonly fill: number;
  /** Default: `calls`. */
  readonly times?: number;
}

const wasi = (name: Preview1Name, args: readonly (number | bigint)[], fill = 1): LargeCall => ({
  from: "wasi_snapshot_preview1",
  name,
  args,
  fill,
});

/** Filled with 1, an iovec is 16 MiB at 16 MiB; 127 of them are less than 2 GiB. */
const mostIovs = 127;

/** The largest value of each kind of parameter (`parameters.ts`). */
const largest: Readonly<Record<string, readonly (number | bigint)[]>> = {
  d: [3],
  p: [0],
  n: [size],
  l: [0n],
  s: [0n],
  v: [0],
  t: [0, size],
};

const rows: readonly LargeCall[] = [
  // Every function, with all pointers 0 and all numbers the size of the memory.
  ...Object.entries(parameters).map(([name, kinds]) =>
    wasi(
      name as Preview1Name,
      [...kinds].flatMap((kind) => largest[kind] ?? []),
    )
  ),
  wasi("random_get", [0, size]),
  wasi("poll_oneoff", [0, 0, Math.floor(size / 48), result], 0),
  wasi("poll_oneoff", [0, 0, Math.floor(size / 48), result], 1),
  wasi("poll_oneoff", [0, 0, 4096, result], 0),
  wasi("poll_oneoff", [0, 0, 4096, result], 1),
  wasi("fd_read", [0, 0, size / 8, result]),
  wasi("fd_read", [file, 0, mostIovs, result]),
  wasi("fd_read", [file, 0, size / 8, result], 0),
  wasi("fd_pread", [file, 0, mostIovs, 0n, result]),
  wasi("fd_write", [1, 0, mostIovs, result]),
  wasi("fd_write", [1, 0, size / 8, result], 0),
  wasi("fd_readdir", [3, 0, result, 0n, result]),
  wasi("path_symlink", [0, size, 3, 0, size]),
  ...Object.entries(hostImports).flatMap(([from, functions]) =>
    Object.entries(functions).flatMap(([name, kinds]) =>
      [0x61, 0xff].flatMap((fill) =>
        [maxInputBytes, {}].map((limits) => ({ from, name, fill, args: hostArgs(kinds, limits) }))
      )
    )
  ),
];

/** Returns the largest arguments of a host function, or the largest that it accepts. */
function hostArgs(kinds: readonly Parameter[], limits: Readonly<Record<string, number>>): number[] {
  return kinds.map((kind) => {
    if (kind === "result_ptr_out") return result;
    if (kind === "result_len_out") return result + 4;
    if (kind.endsWith("_ptr")) return 0;
    return Math.min(result, limits[kind.replace(/_len$/, "")] ?? Infinity);
  });
}

/** Returns a program that makes the call over and over. */
function program({ from, name, args, fill, times = calls }: LargeCall): Uint8Array<ArrayBuffer> {
  const type = (arg: number | bigint) => typeof arg === "bigint" ? "i64" : "i32";
  const isWasi = from.startsWith("wasi");
  return compileWat(`(module
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "${from}" "${name}"
      (func $call (param ${args.map(type).join(" ")}) ${isWasi ? "(result i32)" : ""}))
    (memory (export "memory") ${pages})
    (data (i32.const 0) "sparse")
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 0))
    (func (export "_start") (local $left i32)
      (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 0)
        (i64.const 6) (i64.const 0) (i32.const 0) (i32.const 16)) (then (unreachable)))
      (memory.fill (i32.const 0) (i32.const ${fill}) (i32.const ${size}))
      (local.set $left (i32.const ${times}))
      (loop $again
        (call $call ${args.map((arg) => `(${type(arg)}.const ${arg})`).join(" ")})
        ${isWasi ? "(drop)" : ""}
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))`);
}

/** A run that its timeout ends. */
const loop: LargeCall = { ...wasi("sched_yield", []), times: 2 ** 31 - 1 };

/** Runs the call and returns how long the thread was taken, in milliseconds. */
async function durationMs(call: LargeCall, folder: TemporaryFolder): Promise<number> {
  const io = memoryIo({ env: { CAPSULE_DATA: folder.at("outside/data") } });
  const parsed = parse([
    "-mode=http",
    `-timeout=${timeoutMs}ms`,
    "-maxMemory=256MiB",
    `-dir=${folder.inside}::/data`,
    "-wasm=large.wasm",
  ], io.env);
  if (parsed.kind !== "mode") throw new Error("the flags select no mode");
  const options = parsed.options as ModeOptions<"http">;
  const limits = limitsOf(options);
  const log = createLog("text", io);
  const module = { name: "large.wasm", bytes: program(call) };
  const { callee: command, close } = await openProgram({
    blueprint: await loadBlueprint(module, { mode: "http", limits, reuse: false }, log),
    name: module.name,
    grants: grantsOf(options, io),
    limits,
    dataFolder: folder.at("outside/data"),
    information: { pings: 0 },
    sinks: { stdout: silent, stderr: silent },
    args: [],
  }, { io, log });
  try {
    const streams = () => ({
      stdin: { kind: "bytes" as const, bytes: new Uint8Array(1 << 20) },
      stdout: () => {},
      stderr: () => {},
    });
    const began = performance.now();
    await command.run({ streams }).catch((error: Error & { code?: string }) => {
      assert.match(`${error.code}`, /^(TIMEOUT|TRAP)$/, `${call.name}: ${error.stack}`);
    });
    return performance.now() - began;
  } finally {
    await close();
  }
}

const silent = { write() {}, isTerminal: () => false };

Deno.test("largest arguments: no import holds the thread past its deadline", async (t) => {
  using folder = new TemporaryFolder();
  folder.write("inside/sparse", "");
  Deno.truncateSync(folder.at("inside/sparse"), 2 ** 40);
  for (let index = 0; index < 2_000; index++) folder.write(`inside/${index}`, "");
  for (const call of rows) {
    const { from, name, args, fill } = call;
    await t.step(`${from}.${name}(${args.join(", ")}) of 0x${fill.toString(16)}`, async () => {
      // The machine may be busy: a call is slow only if three runs are, each compared with a loop.
      const loops: number[] = [];
      do {
        const tookMs = await durationMs(call, folder);
        const isQuick = tookMs <= maxLoops * timeoutMs;
        loops.push(tookMs / (isQuick ? timeoutMs : await durationMs(loop, folder)));
      } while (loops.length < 3 && Math.min(...loops) > maxLoops);
      assert.ok(Math.min(...loops) <= maxLoops, `${loops.join(", ")} times a loop`);
    });
  }
});
