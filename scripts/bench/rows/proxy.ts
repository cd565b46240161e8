import { capsule, root } from "../contenders.ts";
import type { Loaded } from "../load.ts";
import { type ServerProcess, startServer } from "../processes.ts";
import { atLeast, atMost, type Bench, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

interface Contender {
  readonly name: string;
  readonly server: ServerProcess;
  /** The URL of the upstream's root. */
  readonly url: string;
}

interface Sample extends Loaded {
  readonly cpuMicroseconds: number;
}

/** Compares the reverse proxy with others in front of the same upstream. */
export const proxy: Row = {
  name: "proxy",
  about:
    "the reverse proxy and those of Go, Node, nginx, HAProxy and Caddy: processor time per request",
  async run(bench) {
    const folder = await Deno.makeTempDir();
    try {
      await using servers = new AsyncDisposableStack();
      const contenders = await start(folder, servers, bench);
      const lines: Line[] = [];
      const sizes = byLength(bench.length, { smoke: [1], quick: [1, 32], full: [1, 32, 256] });
      for (const [name, path] of [["5 bytes", ""], ["1 MiB", "large"]] as const) {
        for (const connections of sizes) {
          lines.push(...await measure(contenders, { name, path, connections }, bench));
        }
      }
      return [...lines, ...await memory(contenders, bench)];
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function start(
  folder: string,
  servers: AsyncDisposableStack,
  { say }: Bench,
): Promise<Contender[]> {
  const go = `${folder}/proxy`;
  const source = `${root}scripts/bench/proxy/main.go`;
  const built = await new Deno.Command("go", { args: ["build", "-o", go, source] }).output();
  if (!built.success) throw new Error(`go build: ${new TextDecoder().decode(built.stderr)}`);
  const add = async (
    name: string,
    command: (port: number) => readonly string[],
    path = "/",
  ): Promise<Contender> => {
    const server = servers.use(await startServer(command));
    return { name, server, url: `http://127.0.0.1:${server.port}${path}` };
  };

  const upstream = await add("upstream alone", (port) => [go, `${port}`]);
  const { url } = upstream;
  const host = new URL(url).host;
  await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: http://${host}\n`);
  const node = `${root}scripts/bench/servers/node_proxy.ts`;
  const contenders = [
    upstream,
    await add(
      "ours",
      (
        port,
      ) => [
        ...capsule,
        "-mode=reverse-proxy",
        `-config=${folder}/config.yaml`,
        `-httpPort=${port}`,
      ],
      "/functions/f/default/",
    ),
    await add("Go's ReverseProxy", (port) => [go, `${port}`, url]),
    await add("node:http", (port) => [Deno.execPath(), "run", "-A", node, `${port}`, url]),
  ];
  const optional = async (
    name: string,
    command: (port: number) => readonly string[],
    ask = "-v",
  ) => {
    if (await isHere(name, ask)) contenders.push(await add(name, command));
    else say(`${name} is not installed`);
  };
  await optional("nginx", (port) => {
    Deno.writeTextFileSync(`${folder}/nginx.conf`, nginxConfig(folder, port, host));
    return ["nginx", "-c", `${folder}/nginx.conf`];
  });
  await optional("haproxy", (port) => {
    Deno.writeTextFileSync(`${folder}/haproxy.cfg`, haproxyConfig(port, host));
    return ["haproxy", "-f", `${folder}/haproxy.cfg`];
  });
  await optional("caddy", (port) => {
    Deno.writeTextFileSync(`${folder}/Caddyfile`, caddyConfig(port, host));
    return [
      "env",
      "GOMAXPROCS=1",
      `XDG_CONFIG_HOME=${folder}`,
      `XDG_DATA_HOME=${folder}`,
      "caddy",
      "run",
      "--config",
      `${folder}/Caddyfile`,
      "--adapter",
      "caddyfile",
    ];
  }, "version");
  return contenders;
}

async function measure(
  contenders: readonly Contender[],
  { name, path, connections }: { name: string; path: string; connections: number },
  { load, length, say }: Bench,
): Promise<Line[]> {
  const what = `${name}, ${connections} connection${connections === 1 ? "" : "s"}`;
  say(what);
  const run = async ({ server, url }: Contender, seconds: number): Promise<Sample> => {
    const before = server.cpuSeconds();
    const loaded = await load.run({ url: url + path, connections, seconds, method: "GET" });
    return { ...loaded, cpuMicroseconds: (server.cpuSeconds() - before) / loaded.requests * 1e6 };
  };
  for (const each of contenders) await run(each, length.seconds / 2);
  const samples = await alternate(contenders, length.rounds, (each) => run(each, length.seconds));
  const cpu = samples.map((rounds) => rounds.map(({ cpuMicroseconds }) => cpuMicroseconds));
  const p50 = samples.map((rounds) => rounds.map(({ p50Ms }) => p50Ms));
  const own = cpu[1] ?? [];
  return contenders.flatMap((contender, index): Line[] => {
    const rounds = samples[index] ?? [];
    const errors = rounds.reduce((sum, sample) => sum + sample.errors, 0);
    const perSecond = median(rounds.map((sample) => sample.perSecond));
    const seen = `${digits(perSecond)} /s, ${digits(median(cpu[index] ?? []))} µs CPU` +
      (errors ? `, ${errors} ERRORS` : "");
    const line = { what, who: contender.name, seen };
    if (contender.name === "upstream alone") return [line];
    if (contender.name !== "ours") {
      const ratio = medianRatio(cpu[index] ?? [], own);
      const isGo = contender.name.startsWith("Go");
      return [{
        ...line,
        ratio: `ours is ${digits(ratio)} × this`,
        target: isGo ? atLeast(1, ratio) : undefined,
      }];
    }
    if (connections > 1) return [line];
    const addedMs = median((p50[1] ?? []).map((ms, round) => ms - (p50[0]?.[round] ?? NaN)));
    const added = {
      what,
      who: "ours",
      seen: `${digits(addedMs)} ms more than the upstream alone, the median`,
    };
    return [line, path === "" ? { ...added, target: atMost(0.3, addedMs, "ms") } : added];
  });
}

/** Measures memory during a million requests, and with 10,000 idle connections. */
async function memory(
  [, ours]: readonly Contender[],
  { load, length, say }: Bench,
): Promise<Line[]> {
  if (ours === undefined) return [];
  const { server, url } = ours;
  const requests = byLength(length, { smoke: 500, quick: 50_000, full: 1_000_000 });
  const idle = byLength(length, { smoke: 20, quick: 1000, full: 10_000 });
  say(`memory over ${requests} requests`);
  const mib = () => server.residentBytes() / 1024 ** 2;
  const through = async (count: number) => {
    for (let done = 0; done < count;) {
      done +=
        (await load.run({ url, connections: 32, seconds: length.seconds, method: "GET" })).requests;
    }
  };
  await through(requests / 4);
  const before = mib();
  await through(requests);
  const after = mib();

  const connections: Deno.Conn[] = [];
  try {
    for (let i = 0; i < idle; i++) {
      connections.push(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
    }
    await through(1);
    const held = mib();
    const growth = after / before;
    return [
      {
        what: `memory, ${requests} requests`,
        who: "ours",
        seen: `${digits(before)} MiB, then ${digits(after)} MiB`,
        ratio: digits(growth),
        target: length.name === "full" ? atMost(1.2, growth) : undefined,
      },
      {
        what: `memory, ${idle} idle connections`,
        who: "ours",
        seen: `${digits(held)} MiB, and it answers`,
      },
    ];
  } finally {
    for (const each of connections) each.close();
  }
}

async function isHere(program: string, ask: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: [ask], stdout: "null", stderr: "null" })
      .output())
      .success;
  } catch {
    return false;
  }
}

/** One process, with connections kept alive on both sides and without a log. */
function nginxConfig(folder: string, port: number, upstream: string): string {
  const temporary = ["proxy", "client_body", "fastcgi", "uwsgi", "scgi"]
    .map((each) => `${each}_temp_path ${folder}/${each};`).join(" ");
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; ${temporary}
  upstream u { server ${upstream}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
`;
}

function haproxyConfig(port: number, upstream: string): string {
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  http-reuse always
  option forwardfor
  server s ${upstream}
`;
}

/** Plain HTTP without other handlers. */
function caddyConfig(port: number, upstream: string): string {
  return `{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy http://${upstream} {
    transport http {
      keepalive_idle_conns_per_host 512
    }
  }
}
`;
}
