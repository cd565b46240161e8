import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { WrkLoad } from "../../scripts/bench/wrk.ts";
import { runCapsule, type Running, startCapsule } from "../testing/capsule.ts";
import { freePort } from "../testing/free_port.ts";
import { callJson, until } from "../testing/platform.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
const hasWrk = await WrkLoad.isHere();
if (!hasWrk && !Deno.env.get("CI")) {
  console.log("the whole chain is not tried under load: there is no wrk on the PATH");
}

const tokens = {
  registry: "token-of-the-registry",
  read: "token-to-read",
  proxy: "token-of-the-proxy",
};
const workerToken = "token-of-the-worker";
type Part = "registry" | "proxy" | "worker";

/**
 * Registry, proxy and worker as three processes that have each other's tokens. Each can be killed
 * and restarted on its port.
 */
class Chain implements AsyncDisposable {
  readonly folder: string;
  readonly #parts = new Map<Part, Running>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(): Promise<Chain> {
    const chain = new Chain(await Deno.makeTempDir({ prefix: "capsule-chain-" }));
    for (const part of ["registry", "proxy", "worker"] as const) await chain.begin(part);
    return chain;
  }

  part(part: Part): Running {
    const running = this.#parts.get(part);
    assert.ok(running, part);
    return running;
  }

  /** Starts a server, on its earlier port if it had one. */
  async begin(part: Part): Promise<void> {
    const before = this.#parts.get(part);
    const args = [`-mode=${part === "proxy" ? "reverse-proxy" : part}`, ...this.#flags(part)];
    const port = before === undefined ? freePort() : Number(new URL(before.url).port);
    this.#parts.set(part, await startCapsule([...args, `-httpPort=${port}`]));
  }

  #flags(part: Part): string[] {
    if (part === "proxy") return ["-backend=memory", `-adminToken=${tokens.proxy}`];
    if (part === "registry") {
      const files = `-files=${this.folder}/modules`;
      return [files, `-adminToken=${tokens.registry}`, `-readToken=${tokens.read}`];
    }
    return [
      `-data=${this.folder}/worker`,
      `-adminToken=${workerToken}`,
      `-reverseProxy=${this.part("proxy").url}`,
      `-proxyToken=${tokens.proxy}`,
      `-registry=${this.part("registry").url}`,
      `-registryToken=${tokens.read}`,
      "-httpPortCounter=0",
    ];
  }

  async push(name: string, path: string): Promise<void> {
    const url = `-url=${this.part("registry").url}/me/${name}/0.0.0`;
    const { code, stderr } = await runCapsule(
      ["-mode=push", `-wasm=${examples}${path}`, url, `-adminToken=${tokens.registry}`],
    );
    assert.equal(code, 0, stderr);
  }

  /** Calls the worker and asserts the status, 202 by default. */
  async tell(
    method: string,
    path: string,
    body?: Record<string, unknown>,
    status = body === undefined ? 200 : 202,
  ) {
    const headers = { authorization: `Bearer ${workerToken}` };
    const answer = await callJson(method, `${this.part("worker").url}/functions/${path}`, {
      body,
      headers,
    });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  }

  async deploy(name: string, revision: string, module: string, more: Record<string, unknown> = {}) {
    const downloadUrl = `${this.part("registry").url}/me/${module}/0.0.0/${module}.wasm`;
    return await this.tell("POST", "deploy", { function: name, revision, downloadUrl, ...more });
  }

  /** Returns `function/revision` → the states of its instances. */
  async states(): Promise<Record<string, string[]>> {
    const list = await this.tell("GET", "list");
    const states: Record<string, string[]> = {};
    for (const [name, revisions] of Object.entries<Record<string, unknown>>(list)) {
      for (const [revision, value] of Object.entries(revisions)) {
        const { isDefaultRevision, wasmModules } = Object(value);
        const each = Object.values(wasmModules).map((module) => String(Object(module).state));
        states[`${name}/${revision}${isDefaultRevision ? " default" : ""}`] = each;
      }
    }
    return states;
  }

  async pids(name: string, revision: string): Promise<number[]> {
    const list = await this.tell("GET", "list");
    return Object.keys(list[name][revision].wasmModules).map(Number).filter((pid) => pid > 0);
  }

  async routes(): Promise<Record<string, Record<string, string[]>>> {
    const headers = { authorization: `Bearer ${tokens.proxy}` };
    return (await callJson("GET", `${this.part("proxy").url}/memory/functions/list`, { headers }))
      .body;
  }

  /** Calls a function through the proxy and returns its response. */
  async call(path: string): Promise<string> {
    const response = await fetch(`${this.part("proxy").url}/functions/${path}`).catch(String);
    return typeof response === "string" ? response : `${response.status} ${await response.text()}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of ["worker", "proxy", "registry"] as const) {
      await this.#parts.get(part)?.stop();
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

const blueAnswer = "200 👋 Hello World 🌍\n";
const greenAnswer = '200 {"message": "hey people!"}';

Deno.test({
  name: "platform: changes, scaling and kills under load fail no request",
  ignore: !hasWrk && !Deno.env.get("CI"),
  async fn() {
    await using chain = await Chain.start();
    await chain.push("hello", "hello/hello.wasm");
    await chain.push("people", "hello-http/hello.wasm");
    await chain.push("page", "html-page/hello.wasm");
    await chain.deploy("shop", "blue", "hello");
    await chain.deploy("shop", "green", "people", { envVariables: { MESSAGE: "👋" } });
    await chain.deploy("page", "one", "page");
    await chain.deploy("other", "one", "hello", { instances: 2 });
    const blue = { function: "shop", revision: "blue" };
    const green = { function: "shop", revision: "green" };
    await chain.tell("POST", "scale", { ...blue, instances: 3 });
    await chain.tell("POST", "set_default_revision", blue);
    assert.equal(await chain.call("shop"), blueAnswer);
    assert.equal(await chain.call("shop/green"), greenAnswer);
    assert.match(await chain.call("page/one"), /^200 [^]*<h1>/);
    assert.equal(await chain.call("other/one"), blueAnswer);

    // A POST is not retried.
    await underLoad(chain, "POST", async (round) => {
      await chain.tell("POST", "set_default_revision", round % 2 === 0 ? green : blue);
      await chain.tell("POST", "scale", { ...green, instances: 1 + round % 2 });
      if (round % 2 === 0) await chain.deploy("shop", "blue", "hello", { replace: true });
    });
    await chain.tell("POST", "set_default_revision", blue);
    await underLoad(chain, "GET", async () => {
      const [pid = 0] = await chain.pids("shop", "blue");
      Deno.kill(pid, "SIGKILL");
      await until(
        () => chain.pids("shop", "blue"),
        (pids) => pids.length === 3 && !pids.includes(pid),
      );
    });
  },
});

/**
 * Calls the default revision repeatedly while the work is done.
 */
async function underLoad(
  chain: Chain,
  method: "GET" | "POST",
  work: (round: number) => Promise<void>,
): Promise<void> {
  const url = `${chain.part("proxy").url}/functions/shop`;
  const body = method === "POST" ? "hello" : undefined;
  let isLoading = true;
  const loading = new WrkLoad().run({ url, method, body, connections: 8, seconds: 3 })
    .finally(() => isLoading = false);
  let rounds = 0;
  while (isLoading) await work(rounds++);
  const { errors, requests } = await loading;
  assert.equal(errors, 0, `of ${requests} requests in ${rounds} rounds`);
  assert.ok(requests > 0 && rounds > 0);
}

Deno.test("platform: recovers from the kill of each of its servers", async () => {
  await using chain = await Chain.start();
  await chain.push("hello", "hello/hello.wasm");
  await chain.push("people", "hello-http/hello.wasm");
  await chain.deploy("shop", "blue", "hello", { instances: 2 });
  await chain.deploy("shop", "green", "people", { envVariables: { MESSAGE: "👋" } });
  await chain.deploy("page", "one", "hello");
  await chain.tell("POST", "set_default_revision", { function: "shop", revision: "blue" });
  const well = await chain.states();
  assert.deepEqual(well, {
    "shop/blue default": ["running", "running"],
    "shop/green": ["running"],
    "page/one": ["running"],
  });
  const heals = async () => {
    await until(() => chain.states(), (states) => JSON.stringify(states) === JSON.stringify(well));
    await until(() => chain.call("shop"), (answer) => answer === blueAnswer);
    await until(() => chain.call("shop/green"), (answer) => answer === greenAnswer);
    await until(() => chain.call("page/one"), (answer) => answer === blueAnswer);
    for (const revisions of Object.values(await chain.routes())) {
      for (const url of Object.values(revisions).flat()) {
        assert.equal(
          await (await fetch(`${url}/health`)).text(),
          "OK",
          "a route leads to what runs",
        );
      }
    }
  };

  const [pid = 0] = await chain.pids("page", "one");
  Deno.kill(pid, "SIGKILL");
  await until(() => chain.pids("page", "one"), ([now]) => now !== undefined && now !== pid);
  await heals();

  await chain.part("proxy").stop("SIGKILL");
  await chain.begin("proxy");
  await heals();

  await chain.part("registry").stop("SIGKILL");
  await heals();
  // A deployed module needs no registry, a new one does.
  await chain.tell("POST", "scale", { function: "shop", revision: "green", instances: 2 });
  await chain.tell("POST", "scale", { function: "shop", revision: "green", instances: 1 });
  const downloadUrl = `${chain.part("registry").url}/me/people/0.0.0/people.wasm`;
  const late = { function: "late", revision: "one", downloadUrl };
  const { code } = await chain.tell("POST", "deploy", late, 502);
  assert.equal(code, "DOWNLOAD_FAILED");
  await chain.begin("registry");
  await chain.tell("POST", "deploy", { ...late, envVariables: { MESSAGE: "👋" } });
  assert.equal(await chain.call("late/one"), greenAnswer);
  await chain.tell("DELETE", "revisions/deployments", { function: "late", revision: "one" });
  await heals();

  await chain.part("worker").stop("SIGKILL");
  await chain.begin("worker");
  await heals();

  for (const [name, revision] of [["shop", "blue"], ["shop", "green"], ["page", "one"]]) {
    await chain.tell("DELETE", "revisions/deployments", { function: name, revision });
  }
  assert.deepEqual(await chain.states(), {});
  assert.deepEqual(await chain.routes(), {});
});
