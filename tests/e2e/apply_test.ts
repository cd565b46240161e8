import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { freePort } from "../testing/free_port.ts";
import { callJson } from "../testing/platform.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/**
 * A platform in a folder, with modules in its registry, and `apply` run in that folder.
 */
class Workshop implements AsyncDisposable {
  readonly folder: string;
  readonly faas: Awaited<ReturnType<typeof startCapsule>>;
  readonly #token: string;

  private constructor(folder: string, faas: Workshop["faas"], token: string) {
    this.folder = folder;
    this.faas = faas;
    this.#token = token;
  }

  static async open(modules: Record<string, string>): Promise<Workshop> {
    const folder = await Deno.makeTempDir({ prefix: "capsule-apply-" });
    const faas = await startCapsule(["-mode=faas"], { cwd: folder });
    const token = (await Deno.readTextFile(`${folder}/.capsule/token`)).trim();
    const workshop = new Workshop(folder, faas, token);
    for (const [name, path] of Object.entries(modules)) {
      const pushed = await runCapsule(
        [
          "-mode=push",
          `-wasm=${examples}${path}`,
          `-url=${faas.ready.registry}/examples/${name}/0.0.0`,
        ],
        { env: workshop.env },
      );
      assert.equal(pushed.code, 0, pushed.stderr);
    }
    return workshop;
  }

  get env(): Record<string, string> {
    return { CAPSULE_ADMIN_TOKEN: this.#token };
  }

  url(name: string): string {
    return `${this.faas.ready.registry}/examples/${name}/0.0.0/${name}.wasm`;
  }

  async apply(yaml: string, args: readonly string[] = [], env: Record<string, string> = {}) {
    await Deno.writeTextFile(`${this.folder}/functions.yaml`, yaml);
    const worker = `-worker=${this.faas.ready.worker}`;
    const { code, stdout, stderr } = await runCapsule(["-mode=apply", worker, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
    });
    const short = (text: string) =>
      text.replaceAll(String(this.faas.ready.worker), "WORKER").replaceAll(
        String(this.faas.ready.registry),
        "REGISTRY",
      );
    return { code, stdout: short(stdout), stderr: short(stderr) };
  }

  /** Returns function → revision → its instances and default in short: `2 default`. */
  async list(): Promise<Record<string, Record<string, string>>> {
    const headers = { authorization: `Bearer ${this.#token}` };
    const { body } = await callJson("GET", `${this.faas.ready.worker}/functions/list`, { headers });
    const each = (all: Record<string, unknown>, of: (value: unknown) => unknown) =>
      Object.fromEntries(Object.entries(all).map(([key, value]) => [key, of(value)]));
    return each(body, (revisions) =>
      each(Object(revisions), (value) => {
        const { instances, isDefaultRevision, idle } = Object(value);
        return [instances, idle, isDefaultRevision && "default"].filter((part) => part).join(" ");
      })) as Record<string, Record<string, string>>;
  }

  async call(path: string, body?: string): Promise<string> {
    const response = await fetch(`${this.faas.ready.proxy}/functions/${path}`, {
      method: body === undefined ? "GET" : "POST",
      body,
    });
    return await response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.faas.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const nothingToChange = "nothing to change: WORKER runs what ./functions.yaml says\n";

Deno.test("apply: deploys a component, pushed by both interfaces of the registry", async () => {
  const wasm = "component-rust/component_rust.wasm";
  await using shop = await Workshop.open({ greeting: wasm });
  const oci = `oci://${new URL(String(shop.faas.ready.registry)).host}/examples/other:1`;
  const push = ["-mode=push", `-wasm=${examples}${wasm}`, `-url=${oci}`];
  const pushed = await runCapsule(push, { env: shop.env });
  assert.equal(pushed.code, 0, pushed.stderr);
  const applied = await shop.apply(`functions:
  greeting:
    one: { downloadUrl: "${shop.url("greeting")}", default: true }
    two: { downloadUrl: "${oci}", idle: 10m }
`);
  assert.equal(applied.code, 0, applied.stderr);
  assert.equal(await shop.call("greeting"), "👋 Hello from a component\n");
  assert.equal(await shop.call("greeting/two", "é".repeat(100_000)), "é".repeat(100_000));
});

Deno.test("apply: carries out a file once, and later only its changes", async () => {
  await using shop = await Workshop.open({
    hello: "hello/hello.wasm",
    greeting: "hello-http/hello.wasm",
  });
  const first = `functions:
  hello:
    blue: { downloadUrl: "${shop.url("hello")}", instances: 2, default: true }
    green: { downloadUrl: "${shop.url("hello")}", idle: 10m }
  greeting:
    one:
      downloadUrl: ${shop.url("greeting")}
      envVariables: { MESSAGE: 👋, SECRET: }
`;
  const env = { SECRET: "s3cret" };
  const lines = [
    "+ greeting one: REGISTRY/examples/greeting/0.0.0/greeting.wasm, with MESSAGE, SECRET",
    "+ hello blue: REGISTRY/examples/hello/0.0.0/hello.wasm, 2 instances",
    "+ hello green: REGISTRY/examples/hello/0.0.0/hello.wasm, idle 10m",
    "~ hello: default revision none → blue",
  ];
  assert.deepEqual(await shop.apply(first, ["-dryRun"], env), {
    code: 0,
    stdout: `${lines.join("\n")}\n4 changes to make on WORKER; -dryRun made none\n`,
    stderr: "",
  });
  assert.deepEqual(await shop.list(), {});
  assert.deepEqual(await shop.apply(first, [], env), {
    code: 0,
    stdout: `${lines.join("\n")}\n4 changes made on WORKER\n`,
    stderr: lines.map((line) => `done: ${line}\n`).join(""),
  });
  const applied = { greeting: { one: "1" }, hello: { blue: "2 default", green: "1 10m" } };
  assert.deepEqual(await shop.list(), applied);
  assert.match(await shop.call("hello", "Bob"), /you sent: Bob/);
  assert.equal(await shop.call("greeting/one", "{}"), '{"message": "hey people!"}');
  assert.deepEqual(await shop.apply(first, [], env), {
    code: 0,
    stdout: nothingToChange,
    stderr: "",
  });

  const second = `functions:
  hello:
    red: { downloadUrl: "${shop.url("hello")}", default: true }
    blue: { downloadUrl: "${shop.url("hello")}", instances: 1 }
  greeting:
    one: { downloadUrl: "${shop.url("greeting")}", envVariables: { MESSAGE: 🌍 } }
`;
  const changed = await shop.apply(second);
  assert.equal(
    changed.stdout,
    `~ greeting one: replaced, changes MESSAGE, SECRET
+ hello red: REGISTRY/examples/hello/0.0.0/hello.wasm
~ hello: default revision blue → red
~ hello blue: instances 2 → 1
- hello green
5 changes made on WORKER
`,
    changed.stderr,
  );
  assert.deepEqual(await shop.list(), {
    greeting: { one: "1" },
    hello: { red: "1 default", blue: "1" },
  });
  assert.equal(await shop.call("greeting/one", "{}"), '{"message": "hey people!"}');
  assert.deepEqual(await shop.apply(second), { code: 0, stdout: nothingToChange, stderr: "" });

  const one = `functions: { hello: { red: { downloadUrl: "${
    shop.url("hello")
  }", instances: 2 } } }\n`;
  const kept = await shop.apply(one, ["-keep"]);
  assert.equal(kept.stdout, "~ hello red: instances 1 → 2\n1 change made on WORKER\n", kept.stderr);
  assert.deepEqual(await shop.list(), {
    greeting: { one: "1" },
    hello: { red: "2 default", blue: "1" },
  });
  const none = await shop.apply("functions: {}\n");
  assert.equal(none.code, 0, none.stderr);
  assert.deepEqual(await shop.list(), {});
});

Deno.test("apply: the example examples/platform runs as its file says", async () => {
  await using shop = await Workshop.open({
    hello: "hello/hello.wasm",
    "html-page": "html-page/hello.wasm",
    "hello-http": "hello-http/hello.wasm",
  });
  const file = await Deno.readTextFile(`${examples}platform/functions.yaml`);
  const yaml = file.replaceAll("http://localhost:4999", String(shop.faas.ready.registry));
  const { code, stderr } = await shop.apply(yaml);
  assert.equal(code, 0, stderr);
  assert.match(await shop.call("hello", "Bob"), /you sent: Bob/);
  assert.match(await shop.call("page/first"), /<h1>/);
  assert.equal(await shop.call("greeting/first", "{}"), '{"message": "hey people!"}');
});

Deno.test("apply: a failure skips the rest of its function only", async () => {
  await using shop = await Workshop.open({ hello: "hello/hello.wasm" });
  const yaml = (wrong: string) =>
    `functions:
  a: { one: { downloadUrl: "${shop.url(wrong)}", default: true } }
  b: { one: { downloadUrl: "${shop.url("hello")}", default: true } }
`;
  const failed = await shop.apply(yaml("missing"));
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^warning: left out: ~ a: default revision none → one$/m);
  assert.match(failed.stderr, /^error: failed: \+ a one: .*: the worker WORKER refused: .*404/m);
  assert.match(failed.stderr, /\ncapsule: 2 of 4 changes made on WORKER; try again\n$/);
  assert.deepEqual(await shop.list(), { b: { one: "1 default" } });
  const again = await shop.apply(yaml("hello"));
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(await shop.list(), { a: { one: "1 default" }, b: { one: "1 default" } });
});

Deno.test("apply: an error before the first step changes nothing", async () => {
  await using shop = await Workshop.open({});
  const told = async (
    yaml: string,
    args: readonly string[],
    env: Record<string, string>,
    message: RegExp,
  ) => {
    const { code, stdout, stderr } = await shop.apply(yaml, args, env);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, message);
  };
  const good = "functions: {}\n";
  await told(
    "functions:\n  f: 1\n",
    [],
    {},
    /^capsule: \.\/functions\.yaml:2:6: expected revisions, each with its downloadUrl/,
  );
  await told(
    good,
    ["-config=none.yaml"],
    {},
    /^capsule: cannot read -config=none\.yaml: no such file\n$/,
  );
  await told(
    good,
    [],
    { CAPSULE_ADMIN_TOKEN: "" },
    /needs the token.*\(set -adminToken or CAPSULE_ADMIN/,
  );
  await told(
    good,
    [`-worker=${shop.faas.ready.registry}`],
    {},
    /the worker REGISTRY refused: no page for GET/,
  );
  await told(
    good,
    [`-worker=http://127.0.0.1:${freePort()}`],
    {},
    /cannot be reached: .*Connection refused/,
  );
});
