/**
 * `deno run -A scripts/bench/proxy.ts [seconds]`: the reverse proxy beside Go's, nginx and what Node's server would make, all before the same
 * upstream. Wants `wrk` and Go; nginx and HAProxy take part where they are installed. CPU time is the proxy's own, of all its threads: on a
 * busy machine that and the ratios count, not requests a second.
 */
import { capsuleCommand } from "../../tests/testing/capsule.ts";

interface Contestant {
  readonly name: string;
  readonly url: string;
  /** The processes that do the work; none for the upstream itself. */
  readonly pids: readonly number[];
}

const seconds = Number(Deno.args.find((arg) => arg !== "--") ?? "3");
const here = new URL("./proxy/", import.meta.url).pathname;
const folder = await Deno.makeTempDir();
const children: Deno.ChildProcess[] = [];

/** Starts a program that prints its port, or a line that holds it. */
async function start(program: string, args: readonly string[]): Promise<{ port: string; pid: number }> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  children.push(child);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`${program} ended before it said its port: ${said}`);
    said += value;
  }
  reader.releaseLock();
  return {
    port: /(\d+)"?[,}\s]*[^:]*$/.exec(/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? said)?.[1] ?? "",
    pid: child.pid,
  };
}

async function has(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["-v"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function contestants(): Promise<Contestant[]> {
  const built = await new Deno.Command("go", { args: ["build", "-o", `${folder}/go`, `${here}main.go`] })
    .output();
  if (!built.success) throw new Error(new TextDecoder().decode(built.stderr));
  const upstream = `http://127.0.0.1:${(await start(`${folder}/go`, [])).port}`;
  const all: Contestant[] = [{ name: "upstream", url: upstream, pids: [] }];

  await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: ${upstream}\n`);
  const [program, ...args] = capsuleCommand();
  const capsule = await start(program, [
    ...args,
    "-mode=reverse-proxy",
    `-config=${folder}/config.yaml`,
    "-httpPort=0",
    "-log=json",
  ]);
  all.push({
    name: "capsule",
    url: `http://127.0.0.1:${capsule.port}/functions/f/default`,
    pids: [capsule.pid],
  });

  const go = await start(`${folder}/go`, [upstream]);
  all.push({ name: "go", url: `http://127.0.0.1:${go.port}`, pids: [go.pid] });

  const node = await start(Deno.execPath(), ["run", "-A", `${here}node_http.ts`, upstream]);
  all.push({ name: "node:http", url: `http://127.0.0.1:${node.port}`, pids: [node.pid] });

  if (await has("nginx")) {
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http {
  access_log off; proxy_temp_path ${folder}/t1; client_body_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5; keepalive_requests 1000000000;
  upstream u { server ${new URL(upstream).host}; keepalive 512; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr; } }
}`,
    );
    const nginx = new Deno.Command("nginx", {
      args: ["-c", `${folder}/nginx.conf`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    children.push(nginx);
    await untilListening(port);
    all.push({ name: "nginx", url: `http://127.0.0.1:${port}`, pids: [nginx.pid] });
  }
  if (await has("haproxy")) {
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/haproxy.cfg`,
      `global
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
  server s ${new URL(upstream).host}
`,
    );
    const haproxy = new Deno.Command("haproxy", {
      args: ["-f", `${folder}/haproxy.cfg`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    children.push(haproxy);
    await untilListening(port);
    all.push({ name: "haproxy", url: `http://127.0.0.1:${port}`, pids: [haproxy.pid] });
  }
  return all;
}

/** CPU time in µs, of all threads. The clock of /proc ticks 100 times a second. */
function cpuUs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10_000;
}

function residentMib(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids) {
    kib += Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return kib / 1024;
}

interface Result {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly cpuUs: number;
}

async function load(
  url: string,
  connections: number,
  pids: readonly number[],
  forSeconds = seconds,
): Promise<Result> {
  const before = cpuUs(pids);
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${connections}`, `-d${forSeconds}`, "--latency", url],
  }).output();
  const used = cpuUs(pids) - before;
  const said = new TextDecoder().decode(stdout);
  const requests = Number(/(\d+) requests in/.exec(said)?.[1]);
  if (/Non-2xx|Socket errors/.test(said)) throw new Error(`${url}: ${said}`);
  const [, value = "", unit = ""] = /50%\s+([\d.]+)(us|ms|s)/.exec(said) ?? [];
  const medianMs = Number(value) * (unit === "us" ? 0.001 : unit === "ms" ? 1 : 1000);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]), medianMs, cpuUs: used / requests };
}

try {
  const all = await contestants();
  for (const each of all) await load(`${each.url}/`.replace("default/", "default"), 32, each.pids, 1);
  for (const [body, path] of [["5 bytes", ""], ["1 MiB", "/large"]] as const) {
    for (const connections of [1, 32, 256]) {
      console.log(`\n${body}, ${connections} connections`);
      let direct = 0;
      let goCpu = 0;
      const rows: [Contestant, Result][] = [];
      for (const each of all) {
        rows.push([
          each,
          await load(`${each.url}${path || (each.name === "capsule" ? "" : "/")}`, connections, each.pids),
        ]);
      }
      for (const [{ name }, { medianMs, cpuUs }] of rows) {
        if (name === "upstream") direct = medianMs;
        if (name === "go") goCpu = cpuUs;
      }
      for (const [{ name, pids }, { perSecond, medianMs, cpuUs }] of rows) {
        const cpu = pids.length === 0
          ? ""
          : `${cpuUs.toFixed(1).padStart(8)} µs CPU a request, ${(goCpu / cpuUs).toFixed(2)} of Go's`;
        console.log(
          `  ${name.padEnd(10)}${perSecond.toFixed(0).padStart(8)}/s ${medianMs.toFixed(3).padStart(9)} ms` +
            ` (+${Math.max(0, medianMs - direct).toFixed(3)}) ${cpu}`,
        );
      }
    }
  }
  console.log(
    "\nresident memory now: " +
      all.filter(({ pids }) => pids.length > 0).map(({ name, pids }) =>
        `${name} ${residentMib(pids).toFixed(0)} MiB`
      ).join(", "),
  );
} finally {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.status));
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
