/**
 * What the registry must reach, measured: `deno run -A scripts/bench/registry.ts [modules]`.
 *
 * - Downloads of a 50 MB module, beside nginx with the same file on the same machine, in turn: the ratio of each pair counts.
 * - A store of 10,000 modules: how long a start takes, and the page and the list.
 * - An upload of 300 MB, and 200 uploads at once: how much memory the process grows by. Four times the size, the same memory.
 *
 * Wants curl and nginx (Debian's packages).
 */
import { Store } from "../../src/registry/store/store.ts";
import { createLog } from "../../src/base/log.ts";
import { processIo } from "../../src/base/io.ts";

const moduleCount = Number(Deno.args[0] ?? 10_000);
const rounds = 7;

interface Registry extends AsyncDisposable {
  url: string;
  pid: number;
  startMs: number;
}

async function start(files: string): Promise<Registry> {
  const begun = performance.now();
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const args = [
    "run",
    "-A",
    main,
    "-mode=registry",
    `-files=${files}`,
    "-httpPort=0",
    "-log=json",
    "-maxUpload=1GiB",
  ];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { url } = JSON.parse((await reader.read()).value ?? "");
  return {
    url,
    pid: child.pid,
    startMs: performance.now() - begun,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
    },
  };
}

/** A module of that many bytes: one custom section over all the rest. */
function moduleOf(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const module = new Uint8Array(bytes);
  const size = bytes - 14;
  const leb = [0, 7, 14, 21].map((shift) => ((size >> shift) & 127) | 128);
  module.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...leb, size >> 28]);
  new DataView(module.buffer).setUint32(15, seed);
  return module;
}

async function upload(url: string, path: string, module: Uint8Array<ArrayBuffer>): Promise<void> {
  const body = new FormData();
  body.set("file", new Blob([module]), "a.wasm");
  const response = await fetch(`${url}/upload/${path}`, { method: "POST", body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
}

/** Bytes a second, as curl sees them. */
async function speed(url: string): Promise<number> {
  const args = ["-s", "-o", "/dev/null", "-w", "%{http_code} %{speed_download}", url];
  const { stdout } = await new Deno.Command("curl", { args }).output();
  const [status, bytes] = new TextDecoder().decode(stdout).split(" ");
  if (status !== "200") throw new Error(`${url} answers ${status}`);
  return Number(bytes);
}

/** Processor time of a process so far, in milliseconds: what a busy machine does not lengthen. */
function cpuMs(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The most memory that the process has had, in MiB, and what it has now. */
function memory(pid: number): { now: number; most: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { now: mebibytes("VmRSS"), most: mebibytes("VmHWM") };
}

async function downloads(folder: string): Promise<void> {
  await using registry = await start(`${folder}/files`);
  await upload(registry.url, "bench/big/1", moduleOf(50_000_000, 1));
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const config = `${folder}/nginx.conf`;
  await Deno.writeTextFile(
    config,
    `daemon off; user root; pid ${folder}/nginx.pid; error_log stderr error; events {}
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${folder}/n1; proxy_temp_path ${folder}/n2;
fastcgi_temp_path ${folder}/n3; uwsgi_temp_path ${folder}/n4; scgi_temp_path ${folder}/n5;
server { listen 127.0.0.1:${port}; root ${folder}/files; } }`,
  );
  const nginx = new Deno.Command("nginx", { args: ["-c", config], stdout: "null", stderr: "null" }).spawn();
  try {
    const [ours, theirs] = [
      `${registry.url}/bench/big/1/big.wasm`,
      `http://127.0.0.1:${port}/bench/big/1/big.wasm`,
    ];
    for (let tries = 0;; tries++) {
      try {
        await speed(theirs);
        break;
      } catch (error) {
        if (tries > 100) throw error;
      }
    }
    await speed(ours);
    const pairs: [number, number][] = [];
    for (let round = 0; round < rounds; round++) pairs.push([await speed(ours), await speed(theirs)]);
    const middle = (values: number[]) =>
      values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
    const ratio = middle(pairs.map(([a, b]) => a / b));
    console.log(
      `download of 50 MB: ${(middle(pairs.map(([a]) => a)) / 1e9).toFixed(2)} GB/s, nginx ` +
        `${(middle(pairs.map(([, b]) => b)) / 1e9).toFixed(2)} GB/s, ratio ${
          ratio.toFixed(2)
        } (at least 0.8)`,
    );
  } finally {
    nginx.kill("SIGTERM");
    await nginx.status;
  }
}

async function manyModules(folder: string): Promise<void> {
  const files = `${folder}/many`;
  const log = createLog("text", processIo([]));
  {
    await using store = await Store.open({ files, log });
    for (let from = 0; from < moduleCount; from += 100) {
      await Promise.all(Array.from({ length: Math.min(100, moduleCount - from) }, async (_, index) => {
        const number = from + index;
        const writer = await store.blobs.begin();
        await writer.write(moduleOf(2000, number));
        const name = { user: `user${number % 100}`, module: `module${Math.floor(number / 100)}`, tag: "1" };
        await store.putModule(name, writer, { info: `module ${number}`, overwrite: false });
      }));
    }
  }
  await using registry = await start(files);
  console.log(
    `start with ${moduleCount} modules: ${Math.round(registry.startMs)} ms (under 2000), ` +
      `${cpuMs(registry.pid)} ms of processor time`,
  );
  for (const path of ["/", "/?q=user42", "/modules", "/modules?n=100"]) {
    const times: number[] = [];
    const before = cpuMs(registry.pid);
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now();
      await (await fetch(registry.url + path)).text();
      times.push(performance.now() - begun);
    }
    const middle = times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN;
    console.log(
      `${path}: ${middle.toFixed(1)} ms, at first ${(times[0] ?? NaN).toFixed(1)} ms (the page under 100), ` +
        `${((cpuMs(registry.pid) - before) / rounds).toFixed(1)} ms of processor time`,
    );
  }
}

async function uploads(folder: string): Promise<void> {
  await Deno.writeFile(`${folder}/huge.wasm`, moduleOf(300_000_000, 3));
  for (const what of ["one upload of 300 MB", "200 uploads of 1 MB at once", "200 uploads of 4 MB at once"]) {
    await using registry = await start(`${folder}/uploads`);
    await upload(registry.url, `bench/warm/${what.length}`, moduleOf(1000, 9));
    const before = memory(registry.pid).now;
    const begun = performance.now();
    if (what.startsWith("one")) {
      const args = ["-s", "-f", "-F", `file=@${folder}/huge.wasm`, `${registry.url}/upload/bench/huge/1`];
      const { success } = await new Deno.Command("curl", { args, stdout: "null" }).output();
      if (!success) throw new Error("the upload failed");
    } else {
      const megabytes = what.includes("4 MB") ? 4 : 1;
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const name = `bench/many${megabytes}/${index}`;
          await upload(registry.url, name, moduleOf(megabytes * 1_000_000, 100 + index));
        }),
      );
    }
    const grown = memory(registry.pid).most - before;
    const ms = Math.round(performance.now() - begun);
    console.log(
      `${what}: ${ms} ms, the process grows by ${grown.toFixed(0)} MiB at most${
        what.startsWith("one") ? " (under 60)" : ""
      }`,
    );
  }
}

const folder = await Deno.makeTempDir({ prefix: "capsule-bench-" });
try {
  await downloads(folder);
  await uploads(folder);
  await manyModules(folder);
} finally {
  await Deno.remove(folder, { recursive: true });
}
