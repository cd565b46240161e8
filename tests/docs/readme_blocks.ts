import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { TextCollector } from "../testing/text_collector.ts";

/** A fenced block of a Markdown text. */
export interface ReadmeBlock {
  readonly language: string;
  readonly text: string;
  /** The output of the block: the text of a `text` block that follows it directly. */
  readonly expected?: string;
}

/** A block that was run to its end, and its output. */
export interface RanBlock extends ReadmeBlock {
  readonly stdout: string;
}

/** Returns the fenced blocks in order. A `text` block is the expected output of the one before. */
export function readBlocks(markdown: string): ReadmeBlock[] {
  const blocks: ReadmeBlock[] = [];
  for (const [, language = "", text = ""] of markdown.matchAll(/^```(\w*)\n([^]*?)\n```$/gm)) {
    const last = blocks.at(-1);
    if (language === "text" && last) blocks[blocks.length - 1] = { ...last, expected: `${text}\n` };
    else blocks.push({ language, text });
  }
  return blocks;
}

/** The surroundings of blocks. */
export interface Surroundings {
  /** The working directory below the project's root. Default: the root. */
  readonly below?: string;
  /** Addresses of services that are not available here, and of their doubles. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Paths of files that are copied to the working directory. */
  readonly files?: readonly string[];
}

/** A copy of the project and the working directory of commands. */
interface Workplace {
  readonly folder: string;
  readonly cwd: string;
}

/**
 * Runs shell blocks as a reader would: in one copy of the project, one after the other, each server
 * in its own terminal. Servers listen on free ports, which replace the ports of later blocks.
 *
 * @throws Error with the output of a block that fails.
 */
export async function runBlocks(
  blocks: readonly ReadmeBlock[],
  { below = "", elsewhere = {}, files = [] }: Surroundings = {},
): Promise<RanBlock[]> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-readme-" });
  const at = { folder, cwd: `${folder}/${below}` };
  const servers: Server[] = [];
  const origins = new Map<string, string>();
  const real = (text: string) =>
    Object.entries(elsewhere).reduce(
      (text, [written, double]) => text.replaceAll(written, double),
      text,
    )
      .replaceAll(/http:\/\/localhost:(\d+)/g, (written, port) => origins.get(port) ?? written);
  try {
    await copyProject(folder);
    await addCommand(folder);
    for (const file of files) await Deno.copyFile(file, `${at.cwd}/${basename(file)}`);
    const ran: RanBlock[] = [];
    for (const block of blocks) {
      if (/-mode=(?:http|reverse-proxy|registry|faas)\b/.test(block.text)) {
        const server = startServer(block.text, at);
        servers.push(server);
        for (const [port, origin] of await server.origins) origins.set(port, origin);
        continue;
      }
      const text = real(block.text);
      const file = `${at.cwd}/functions.yaml`;
      const functions = await Deno.readTextFile(file).catch(() => undefined);
      if (functions !== undefined) await Deno.writeTextFile(file, real(functions));
      // The default of `-worker` is a fixed port.
      const worker = origins.get("9999");
      const { success, stdout, stderr } = await bash(
        text,
        at,
        worker ? { CAPSULE_WORKER: worker } : {},
      )
        .output();
      const decoder = new TextDecoder();
      const printed = decoder.decode(stdout);
      if (!success) throw new Error(`${text}\nfailed:\n${printed}${decoder.decode(stderr)}`);
      ran.push({ ...block, stdout: printed });
    }
    return ran;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await Deno.remove(folder, { recursive: true });
  }
}

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Copies the project with one test file: `deno task test` is a block, too, and would run this
 * without end.
 */
async function copyProject(folder: string): Promise<void> {
  const { success, stdout } = await new Deno.Command("cp", {
    args: [
      "-R",
      ...["main.ts", "deno.json", "deno.lock", "src", "examples"].map((name) => root + name),
      folder,
    ],
  }).output();
  if (!success) throw new Error(`cannot copy the project: ${new TextDecoder().decode(stdout)}`);
  await Deno.mkdir(`${folder}/tests/base`, { recursive: true });
  await Deno.copyFile(`${root}tests/base/units_test.ts`, `${folder}/tests/base/units_test.ts`);
}

/** Adds the command `capsule`: the program under test, or the copy. */
async function addCommand(folder: string): Promise<void> {
  const binary = Deno.env.get("CAPSULE_BIN");
  const command = binary ? Deno.realPathSync(binary) : `deno run -A ${folder}/main.ts`;
  await Deno.mkdir(`${folder}/.bin`);
  await Deno.writeTextFile(`${folder}/.bin/capsule`, `#!/bin/sh\nexec ${command} "$@"\n`, {
    mode: 0o755,
  });
}

interface Server {
  /** The origins on which it listens, by the ports in the text; resolves when it is ready. */
  readonly origins: Promise<[port: string, origin: string][]>;
  stop(): Promise<void>;
}

function startServer(text: string, at: Workplace): Server {
  const ports = ["HTTP_PORT", "REGISTRY_PORT", "PROXY_PORT", "WORKER_PORT", "HTTP_PORT_COUNTER"];
  const free = Object.fromEntries(ports.map((name) => [`CAPSULE_${name}`, "0"]));
  const [, port = "8080"] = text.match(/-httpPort=(\d+)/) ?? [];
  const child = bash(text.replace(/\s+(?:\\\s+)?-httpPort=\d+/, ""), at, {
    ...free,
    CAPSULE_LOG: "json",
  })
    .spawn();
  const stdout = new TextCollector(child.stdout);
  const stderr = new TextCollector(child.stderr);
  return {
    origins: stdout.line((line) => line.startsWith('{"event":"ready"')).then((line) => {
      if (line === undefined) {
        throw new Error(`${text}\nexited before it was ready:\n${stderr.text}`);
      }
      const { mode, url, registry, proxy, worker } = JSON.parse(line);
      return mode === "faas"
        ? [["4999", registry], ["8888", proxy], ["9999", worker]]
        : [[port, url]];
    }),
    async stop() {
      child.kill("SIGTERM");
      await Promise.all([child.status, stdout.done, stderr.done]);
    },
  };
}

/** Returns a shell with the Deno of the tests and without variables that Capsule reads. */
function bash(
  text: string,
  { folder, cwd }: Workplace,
  env: Record<string, string> = {},
): Deno.Command {
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => !/^(?:CAPSULE_|REDIS_|COUCHBASE_)/.test(name));
  const path = `${folder}/.bin:${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
  return new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", text],
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(own), NO_COLOR: "1", PATH: path, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}
