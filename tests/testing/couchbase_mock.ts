import type { CouchbaseSettings } from "../../src/store/settings.ts";
import { isInstalled } from "./is_installed.ts";

/** The user of the tests, and the bucket. */
const login = { user: "admin", password: "ilovepandas", bucket: "wasm-data" };

/** The path to which `scripts/install_couchbase_mock.sh` installs it. */
const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
const jar = `${cache}/capsule-couchbase-mock/CouchbaseMock-1.5.27.jar`;

const remedy = "scripts/install_couchbase_mock.sh fetches it";

/**
 * CouchbaseMock, a test server by Couchbase, as a process. It connects to the test, reports its
 * port, takes commands on that connection, and ends with it.
 */
export class CouchbaseMock implements AsyncDisposable {
  readonly settings: CouchbaseSettings;
  readonly #child: Deno.ChildProcess;
  readonly #control: Deno.TcpConn;

  private constructor(child: Deno.ChildProcess, control: Deno.TcpConn, port: number) {
    this.#child = child;
    this.#control = control;
    this.settings = { cluster: `couchbase://127.0.0.1:${port}`, ...login };
  }

  /**
   * Starts it with one node and one bucket; clients find them over the binary protocol (`--cccp`).
   */
  static async start(): Promise<CouchbaseMock> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const args = ["-jar", jar, "--port=0", "--nodes=1", "--replicas=0", "--vbuckets=8", "--cccp"];
    const child = new Deno.Command("java", {
      args: [
        ...args,
        `--buckets=${login.bucket}:${login.password}`,
        `--harakiri-monitor=127.0.0.1:${listener.addr.port}`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const ended = child.status.then(({ code }) => {
      throw new Error(
        `CouchbaseMock ended with exit code ${code} before it connected; is it at ${jar}? ${remedy}`,
      );
    });
    const control = await Promise.race([listener.accept(), ended]);
    ended.catch(() => {});
    await readUntil(control, "\0"); // the port of its administration
    const request = { command: "get_mcports", payload: { bucket: login.bucket } };
    await control.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    const { payload: [port] } = JSON.parse(await readUntil(control, "\n"));
    return new CouchbaseMock(child, control, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.close();
    await this.#child.status;
  }
}

async function readUntil(connection: Deno.TcpConn, end: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let text = "";
  while (!text.endsWith(end)) {
    const read = await connection.read(buffer);
    if (read === null) throw new Error(`CouchbaseMock left after it said "${text}"`);
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return text;
}

const here = await isInstalled("java", "-version") &&
  await Deno.stat(jar).then(() => true, () => false);

/**
 * Declares a test that needs CouchbaseMock. Without it the test is skipped with its reason; with CI
 * set it fails.
 */
export function couchbaseMockTest(name: string, fn: () => Promise<void>): void {
  if (here || Deno.env.get("CI")) return Deno.test(name, fn);
  Deno.test({ name: `${name} (skipped: CouchbaseMock is not here: ${remedy})`, ignore: true, fn });
}
