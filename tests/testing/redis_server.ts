import { Redis } from "ioredis";
import { freePort } from "./free_port.ts";
import { isInstalled } from "./is_installed.ts";
import { TextLineStream } from "./text_lines.ts";

/** Options of a Redis server for tests. */
export interface RedisServerOptions {
  /** Further configuration, as on the command line: `["--requirepass", "secret"]`. */
  readonly config?: readonly string[];
  /**
   * Adds the certificates of this folder (`server.crt`, `server.key`, `ca.crt`) and encrypts the
   * port.
   */
  readonly tlsFolder?: string;
  /**
   * A folder for data that survives the server; by default a temporary one, removed with it.
   */
  readonly folder?: string;
  readonly sentinel?: boolean;
  /**
   * The log line after which it accepts commands; a server that loads data accepts them before it
   * is ready.
   */
  readonly readyLine?: RegExp;
}

/**
 * A Redis server on a free port of this machine, in memory unless `config` says otherwise.
 */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #options: RedisServerOptions;
  readonly #folder: string;
  #child: Deno.ChildProcess | undefined;
  #drained: Promise<void> = Promise.resolve();
  #said: string[] = [];
  #heard: () => void = () => {};

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Starts a server on a free port; tries several, because another process may take one first.
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = options.folder ?? await Deno.makeTempDir({ prefix: "capsule-redis-" });
    for (let attempt = 1;; attempt++) {
      const server = new RedisServer(freePort(), folder, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        if (attempt < 5 && /in use|bind/i.test(String(error))) continue;
        if (!options.folder) await Deno.remove(folder, { recursive: true });
        throw error;
      }
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Restarts it on its port after `kill`. */
  async restart(): Promise<void> {
    const {
      config = [],
      tlsFolder,
      sentinel,
      readyLine = /Ready to accept connections|Sentinel ID is/,
    } = this.#options;
    const port = tlsFolder
      ? [
        ...["--port", "0", "--tls-port", `${this.port}`, "--tls-auth-clients", "no"],
        ...[
          "--tls-cert-file",
          `${tlsFolder}/server.crt`,
          "--tls-key-file",
          `${tlsFolder}/server.key`,
        ],
        ...["--tls-ca-cert-file", `${tlsFolder}/ca.crt`],
      ]
      : ["--port", `${this.port}`];
    const common = ["--bind", "127.0.0.1", "--dir", this.#folder, ...port];
    if (sentinel) await Deno.writeTextFile(`${this.#folder}/sentinel.conf`, "");
    const args = sentinel
      ? [`${this.#folder}/sentinel.conf`, "--sentinel", ...common, ...config]
      : [...common, "--save", "", "--appendonly", "no", "--enable-debug-command", "yes", ...config];
    const child = new Deno.Command("redis-server", {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    })
      .spawn();
    this.#child = child;
    this.#said = [];
    this.#drained = this.#read(child);
    await this.said(readyLine);
  }

  async #read(child: Deno.ChildProcess): Promise<void> {
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    );
    for await (const line of lines) {
      this.#said.push(line);
      this.#heard();
    }
    await child.status;
    if (this.#child === child) this.#child = undefined;
    this.#heard();
  }

  /** Waits for a line of its log. */
  async said(line: RegExp): Promise<void> {
    while (!this.#said.some((said) => line.test(said))) {
      if (!this.#child) {
        throw new Error(`redis-server ended before it said ${line}:\n${this.#said.join("\n")}`);
      }
      await new Promise<void>((resolve) => this.#heard = resolve);
    }
  }

  /** Sends a command on a connection of its own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: () => null,
    });
    const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
      await ended;
    }
  }

  /** Sends a signal; waits for the end after one that kills. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT") return;
    await this.#drained;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
    if (!this.#options.folder) await Deno.remove(this.#folder, { recursive: true });
  }
}

const installed = await isInstalled("redis-server");

/**
 * Declares a test that needs `redis-server` (Debian: `apt-get install redis-server`). Without it
 * the test is skipped with its reason; with CI set it fails.
 */
export function redisTest(
  name: string,
  fn: () => Promise<void>,
  options: Partial<Deno.TestDefinition> = {},
): void {
  if (installed || Deno.env.get("CI")) return Deno.test({ ...options, name, fn });
  Deno.test({ name: `${name} (skipped: redis-server is not installed here)`, ignore: true, fn });
}
