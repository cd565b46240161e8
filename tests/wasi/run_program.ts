/**
 * Runs a WASI program on `src/wasi`, without preparation. From a terminal: `deno run -A
 * tests/wasi/run_program.ts [-dir=host::guest]… [-env=NAME=value]… program.wasm [args…]`.
 */
import { promising, suspending } from "../../src/wasm/jspi.ts";
import { openFolder } from "../../src/files/folder.ts";
import { loadFamilies } from "../../src/wasi/imports.ts";
import { GuestExit, Wasi, type WasiInput } from "../../src/wasi/wasi.ts";

const families = await loadFamilies();

export interface ProgramOptions {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Preopened directories. */
  preopens?: readonly { host: string; guest: string }[];
  stdin?: WasiInput;
}

export interface Ended {
  /** 134 after a trap, as a shell reports an abort. */
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command module to its end and collects its output. */
export async function runProgram(
  wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module,
  options: ProgramOptions = {},
): Promise<Ended> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const ended = await run(wasm, options, {
    stdout: (bytes) => void stdout.push(bytes.slice()),
    stderr: (bytes) => void stderr.push(bytes.slice()),
  });
  if (ended.trap !== undefined) stderr.push(new TextEncoder().encode(`${ended.trap}\n`));
  return { exitCode: ended.exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

async function run(
  wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module,
  options: ProgramOptions,
  output: { stdout: (bytes: Uint8Array) => void; stderr: (bytes: Uint8Array) => void },
): Promise<{ exitCode: number; trap?: unknown }> {
  const wasi = new Wasi({
    families,
    args: options.args ?? ["program"],
    env: options.env ?? {},
    preopens: (options.preopens ?? []).map(({ host, guest }) => ({
      guest,
      open: () => openFolder(host, []),
    })),
    stdin: options.stdin ?? { kind: "empty" },
    ...output,
  });
  try {
    const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
    const imports = Object.fromEntries(
      Object.entries(wasi.imports).map(([name, call]) => [
        name,
        wasi.suspending.has(name) ? suspending(call) : call as WebAssembly.ImportValue,
      ]),
    );
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
    const { memory, _start } = instance.exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("the module exports no memory");
    if (typeof _start !== "function") throw new Error("the module exports no _start");
    wasi.memory.bind(memory);
    await promising(_start as WebAssembly.ExportValue)();
    return { exitCode: 0 };
  } catch (thrown) {
    if (thrown instanceof GuestExit) return { exitCode: thrown.code };
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      return { exitCode: 134, trap: thrown };
    }
    throw thrown;
  } finally {
    wasi.close();
  }
}

function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }): (bytes: Uint8Array) => void {
  return (bytes) => {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(stream.writeSync(rest));
  };
}

if (import.meta.main) {
  const preopens: { host: string; guest: string }[] = [];
  const env: Record<string, string> = {};
  const rest = [...Deno.args];
  for (let flag = rest[0]; flag?.startsWith("-"); flag = rest[0]) {
    rest.shift();
    const [name, value = ""] = splitAt(flag, "=");
    if (name === "-dir") {
      const [host, guest] = splitAt(value, "::");
      preopens.push({ host, guest: guest ?? host });
    } else {
      const [key, text = ""] = splitAt(value, "=");
      env[key] = text;
    }
  }
  const [file = ""] = rest;
  const { exitCode, trap } = await run(
    Deno.readFileSync(file),
    {
      args: rest,
      env,
      preopens,
      stdin: { kind: "stream", read: (buffer) => Deno.stdin.read(buffer) },
    },
    { stdout: writeAll(Deno.stdout), stderr: writeAll(Deno.stderr) },
  );
  if (trap !== undefined) console.error(trap);
  Deno.exit(exitCode);
}

function splitAt(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
