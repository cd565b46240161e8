import { createLog } from "../../../src/base/log.ts";
import { processIo } from "../../../src/base/io.ts";
import { RegistryStore } from "../../../src/registry/store/registry_store.ts";
import { capsule } from "../contenders.ts";
import { type ServerProcess, startServer } from "../processes.ts";
import { atLeast, atMost, type Bench, byLength, type Length, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits, inMebibytes } from "../table.ts";

/** Downloads, lists and uploads of a registry. */
export const registry: Row = {
  name: "registry",
  about:
    "one module of 50 MB downloaded repeatedly, beside nginx with the same file; 10,000 modules; 300 MB uploaded, and 200 concurrent uploads",
  async run(bench) {
    const folder = await Deno.makeTempDir({ prefix: "capsule-bench-registry-" });
    try {
      return [
        ...await downloads(folder, bench),
        ...await manyModules(folder, bench.length),
        ...await uploads(folder, bench.length),
      ];
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

function startRegistry(files: string): Promise<ServerProcess> {
  const flags = ["-mode=registry", `-files=${files}`, "-maxUpload=1GiB"];
  return startServer((port) => [...capsule, ...flags, `-httpPort=${port}`]);
}

/** Makes a module of `bytes` bytes: one custom section. */
function moduleOf(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const module = new Uint8Array(bytes);
  const size = bytes - 14;
  const leb = [0, 7, 14, 21].map((shift) => ((size >> shift) & 127) | 128);
  module.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...leb, size >> 28]);
  new DataView(module.buffer).setUint32(15, seed);
  return module;
}

async function upload(
  server: ServerProcess,
  path: string,
  module: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const body = new FormData();
  body.set("file", new Blob([module]), "a.wasm");
  const response = await fetch(`${server.url}upload/${path}`, { method: "POST", body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
}

async function curl(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("curl", { args: ["-sSf", ...args] })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function downloads(folder: string, { length, say }: Bench): Promise<Line[]> {
  await using servers = new AsyncDisposableStack();
  const ours = servers.use(await startRegistry(`${folder}/files`));
  await upload(
    ours,
    "bench/big/1",
    moduleOf(byLength(length, { smoke: 1e6, quick: 50e6, full: 50e6 }), 1),
  );
  const contenders = [{ who: "ours", server: ours }];
  try {
    const nginx = await startServer((port) => {
      Deno.writeTextFileSync(`${folder}/nginx.conf`, nginxConfig(folder, port));
      return ["nginx", "-c", `${folder}/nginx.conf`];
    });
    contenders.unshift({ who: "nginx", server: servers.use(nginx) });
  } catch (error) {
    say(`without nginx: ${error}`);
  }
  const get = async ({ server }: { server: ServerProcess }) => {
    const before = server.cpuSeconds();
    const speed = await curl(
      "-o",
      "/dev/null",
      "-w",
      "%{speed_download}",
      `${server.url}bench/big/1/big.wasm`,
    );
    return { perSecond: Number(speed), cpuMs: (server.cpuSeconds() - before) * 1000 };
  };
  for (const contender of contenders) await get(contender);
  const samples = await alternate(
    contenders,
    byLength(length, { smoke: 1, quick: 5, full: 15 }),
    get,
  );
  const speeds = (index: number) => (samples[index] ?? []).map(({ perSecond }) => perSecond);
  return contenders.map(({ who }, index): Line => {
    const cpuMs = median((samples[index] ?? []).map((sample) => sample.cpuMs));
    const ratio = index === 0 ? undefined : medianRatio(speeds(index), speeds(0));
    return {
      what: "download of 50 MB",
      who,
      seen: `${digits(median(speeds(index)) / 1e9)} GB/s, ${digits(cpuMs)} ms CPU`,
      ratio: ratio === undefined ? undefined : `${digits(ratio)} × nginx`,
      target: ratio === undefined ? undefined : atLeast(0.4, ratio),
    };
  });
}

async function manyModules(folder: string, length: Length): Promise<Line[]> {
  const count = byLength(length, { smoke: 200, quick: 10_000, full: 10_000 });
  const files = `${folder}/many`;
  {
    await using store = await RegistryStore.open({ files, log: createLog("text", processIo([])) });
    for (let from = 0; from < count; from += 100) {
      await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const number = from + index;
        const writer = await store.blobs.begin();
        await writer.write(moduleOf(2000, number));
        const name = {
          user: `user${number % 100}`,
          module: `module${Math.floor(number / 100)}`,
          tag: "1",
        };
        await store.putModule(name, writer, { info: `module ${number}`, overwrite: false });
      }));
    }
  }
  const beganMs = performance.now();
  await using server = await startRegistry(files);
  const startMs = performance.now() - beganMs;
  const what = `${count.toLocaleString("en")} modules`;
  const lines: Line[] = [{
    what,
    who: "start",
    seen: `${digits(startMs)} ms, ${digits(server.cpuSeconds() * 1000)} ms CPU`,
    ratio: `${digits(startMs)} ms`,
    target: atMost(2000, startMs, "ms"),
  }];
  for (
    const [who, path] of [["page", ""], ["page, search", "?q=user42"], ["list", "modules"]] as const
  ) {
    const times: number[] = [];
    for (let round = 0; round < 7; round++) {
      const askedMs = performance.now();
      await (await fetch(server.url + path)).text();
      times.push(performance.now() - askedMs);
    }
    const seen = `${digits(median(times))} ms, at first ${digits(times[0] ?? NaN)}`;
    lines.push({
      what,
      who,
      seen,
      ratio: `${digits(median(times))} ms`,
      target: atMost(100, median(times), "ms"),
    });
  }
  return lines;
}

async function uploads(folder: string, length: Length): Promise<Line[]> {
  const count = byLength(length, { smoke: 20, quick: 200, full: 200 });
  const hugeBytes = byLength(length, { smoke: 10e6, quick: 300e6, full: 300e6 });
  const lines: Line[] = [];
  const measure = async (
    what: string,
    work: (server: ServerProcess) => Promise<unknown>,
    most?: number,
  ) => {
    await using server = await startRegistry(`${folder}/uploads`);
    await upload(server, `bench/warm/${lines.length}`, moduleOf(1000, lines.length));
    const before = server.residentBytes();
    const beganMs = performance.now();
    await work(server);
    const seen = `${digits(performance.now() - beganMs)} ms`;
    const grown = server.peakBytes() - before;
    const target = most === undefined ? undefined : atMost(most, grown / 2 ** 20, "MiB");
    lines.push({ what, who: "ours", seen, ratio: `${inMebibytes(grown)} more`, target });
  };
  const huge = `${folder}/huge.wasm`;
  await Deno.writeFile(huge, moduleOf(hugeBytes, 3));
  await measure(
    "upload of 300 MB",
    ({ url }) => curl("-o", "/dev/null", "-F", `file=@${huge}`, `${url}upload/bench/huge/1`),
    60,
  );
  // Four times the size must take the same memory.
  for (const megabytes of [1, 4]) {
    await measure(`${count} uploads of ${megabytes} MB`, (server) =>
      Promise.all(
        Array.from(
          { length: count },
          (_, index) =>
            upload(
              server,
              `bench/many${megabytes}/${index}`,
              moduleOf(megabytes * 1e6, 100 + index),
            ),
        ),
      ));
  }
  return lines;
}

/** Returns a configuration of one process that serves files by sendfile(2). */
function nginxConfig(folder: string, port: number): string {
  const temporary = ["proxy", "client_body", "fastcgi", "uwsgi", "scgi"]
    .map((each) => `${each}_temp_path ${folder}/${each};`).join(" ");
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http {
  access_log off; sendfile on; tcp_nopush on; ${temporary}
  server { listen 127.0.0.1:${port}; root ${folder}/files; }
}
`;
}
