import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { hasOlderDeno, runCapsule, startCapsule } from "../testing/capsule.ts";
import { freePort } from "../testing/free_port.ts";
import { RedisServer } from "../testing/redis_server.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** An upstream that responds with its name, the method, the path and Host. */
function namedServer(name: string) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      return new Response(`${name} ${request.method} ${pathname}${search} ${await request.text()}`);
    },
  );
  return {
    url: `http://localhost:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const text = async (url: string, init?: RequestInit): Promise<string> =>
  (await fetch(url, init)).text();

async function admin(
  url: string,
  method: string,
  path: string,
  body?: Record<string, string>,
  token?: string,
) {
  const response = await fetch(`${url}/${path}`, {
    method,
    headers: {
      "content-type": "application/json; charset=utf-8",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("proxy: the documented file and admin calls work as in 0.1.3", () =>
  inFolder(async (folder) => {
    await using green = namedServer("green");
    await using orange = namedServer("orange");
    await Deno.writeTextFile(
      `${folder}/config.yaml`,
      `hola:\n  default:\n    - ${green.url}\n  orange:\n    - ${orange.url}\n`,
    );
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      "-config=./config.yaml",
      "-backend=memory",
    ], {
      cwd: folder,
    });
    assert.equal(proxy.ready.mode, "reverse-proxy");
    assert.equal(await text(`${proxy.url}/functions/hola`), "green GET / ");
    assert.equal(await text(`${proxy.url}/functions/hola/orange`), "orange GET / ");
    assert.equal(
      await text(`${proxy.url}/functions/hola/orange/a%2Fb?q`, { method: "POST", body: "hi" }),
      "orange POST /a%2Fb?q hi",
    );

    const routes = "memory/functions/list";
    const registration = "memory/functions/registration";
    const morgen = { function: "morgen", revision: "default", url: green.url };
    assert.equal((await admin(proxy.url, "POST", registration, morgen)).status, 202);
    assert.equal(await text(`${proxy.url}/function/morgen`), "green GET / ");
    assert.equal(
      (await admin(proxy.url, "POST", registration, {
        ...morgen,
        revision: "magenta",
        url: orange.url,
      }))
        .status,
      202,
    );
    assert.equal(await text(`${proxy.url}/function/morgen/magenta`), "orange GET / ");
    assert.equal(
      (await admin(proxy.url, "POST", "memory/functions/morgen/revision", {
        revision: "blue",
        url: orange.url,
      })).status,
      202,
    );
    assert.equal(
      (await admin(proxy.url, "POST", "memory/functions/morgen/blue/url", { url: green.url }))
        .status,
      202,
    );
    assert.deepEqual((await admin(proxy.url, "GET", routes)).body.morgen, {
      blue: [orange.url, green.url],
      default: [green.url],
      magenta: [orange.url],
    });
    assert.equal(
      (await admin(proxy.url, "DELETE", "memory/functions/morgen/blue/url", { url: green.url }))
        .status,
      202,
    );
    assert.equal(
      (await admin(proxy.url, "DELETE", "memory/functions/morgen/revision", { revision: "blue" }))
        .status,
      202,
    );
    assert.equal(
      (await admin(proxy.url, "DELETE", registration, { function: "morgen" })).status,
      202,
    );
    assert.equal(
      (await fetch(`${proxy.url}/functions/morgen`).then(async (
        r,
      ) => [r.status, (await r.json()).code]))
        .join(),
      "404,ERROR_FUNCTION_NOT_FOUND",
    );
    assert.equal((await proxy.stop()).code, 0);
  }));

Deno.test("proxy: forwards to three functions of -mode=http", () =>
  inFolder(async (folder) => {
    const wasm = `-wasm=${root}examples/hello-http/hello.wasm`;
    await using one = await startCapsule(["-mode=http", wasm]);
    await using two = await startCapsule(["-mode=http", wasm]);
    await using three = await startCapsule(["-mode=http", wasm]);
    const config = `hello:\n  default: [${one.url}, ${two.url}]\nhey:\n  default: ${three.url}\n`;
    await Deno.writeTextFile(`${folder}/config.yaml`, config);
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      `-config=${folder}/config.yaml`,
      "-balance=round-robin",
    ]);
    const direct = await text(one.url);
    for (let i = 0; i < 4; i++) assert.equal(await text(`${proxy.url}/functions/hello`), direct);
    assert.equal(await text(`${proxy.url}/functions/hey`), direct);
    await two.stop();
    for (let i = 0; i < 4; i++) assert.equal(await text(`${proxy.url}/functions/hello`), direct);
  }));

Deno.test({
  name: "proxy: SIGHUP reloads the file; an invalid one is logged and changes nothing",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await using a = namedServer("a");
      await using b = namedServer("b");
      const config = `${folder}/config.yaml`;
      await Deno.writeTextFile(config, `f:\n  default: ${a.url}\n`);
      await using proxy = await startCapsule(["-mode=reverse-proxy", `-config=${config}`]);
      await Deno.writeTextFile(config, `f:\n  default: ${b.url}\ng:\n  default: ${a.url}\n`);
      assert.equal(await text(`${proxy.url}/functions/f`), "a GET / ");
      proxy.kill("SIGHUP");
      await proxy.stderr.line((line) => line.includes('"event":"reloaded"'));
      assert.equal(await text(`${proxy.url}/functions/f`), "b GET / ");
      await Deno.writeTextFile(config, "f:\n  default: []\n");
      proxy.kill("SIGHUP");
      const line = await proxy.stderr.line((line) => line.includes('"event":"reload-failed"'));
      assert.match(line ?? "", /config\.yaml:2:12: a revision must have at least one URL/);
      assert.equal(await text(`${proxy.url}/functions/g`), "a GET / ");
    }),
});

Deno.test("proxy: -watch reloads a file that is written or replaced", () =>
  inFolder(async (folder) => {
    await using a = namedServer("a");
    await using b = namedServer("b");
    const config = `${folder}/config.yaml`;
    await Deno.writeTextFile(config, `f:\n  default: ${a.url}\n`);
    await using proxy = await startCapsule(["-mode=reverse-proxy", `-config=${config}`, "-watch"]);
    await Deno.writeTextFile(`${folder}/new`, `f:\n  default: ${b.url}\n`);
    await Deno.rename(`${folder}/new`, config);
    await proxy.stderr.line((line) => line.includes('"event":"reloaded"'));
    assert.equal(await text(`${proxy.url}/functions/f`), "b GET / ");
  }));

Deno.test({
  name: "proxy: -watch follows a link through a link that changes, as Kubernetes makes them",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await using a = namedServer("a");
      await using b = namedServer("b");
      for (const [name, { url }] of Object.entries({ first: a, second: b })) {
        await Deno.mkdir(`${folder}/${name}`);
        await Deno.writeTextFile(`${folder}/${name}/config.yaml`, `f:\n  default: ${url}\n`);
      }
      await Deno.symlink("first", `${folder}/data`);
      await Deno.symlink("data/config.yaml", `${folder}/config.yaml`);
      await using proxy = await startCapsule([
        "-mode=reverse-proxy",
        "-config=config.yaml",
        "-watch",
      ], {
        cwd: folder,
      });
      assert.equal(await text(`${proxy.url}/functions/f`), "a GET / ");
      await Deno.symlink("second", `${folder}/new`);
      await Deno.rename(`${folder}/new`, `${folder}/data`);
      await proxy.stderr.line((line) => line.includes('"event":"reloaded"'));
      assert.equal(await text(`${proxy.url}/functions/f`), "b GET / ");
    }),
});

Deno.test("proxy: -routes keeps registrations over a restart", () =>
  inFolder(async (folder) => {
    const args = ["-mode=reverse-proxy", "-backend=memory", `-routes=${folder}/routes.json`];
    const first = await startCapsule(args);
    const f = { function: "f", revision: "default", url: "http://localhost:5050" };
    assert.equal((await admin(first.url, "POST", "memory/functions/registration", f)).status, 202);
    await first.stop("SIGKILL");
    await using second = await startCapsule(args);
    assert.deepEqual((await admin(second.url, "GET", "memory/functions/list")).body, {
      f: { default: [f.url] },
    });
  }));

Deno.test("proxy: two proxies share their routes in Redis, and serve without it", async () => {
  await using redis = await RedisServer.start();
  await using a = namedServer("a");
  const env = { REDIS_ADDR: redis.address };
  const args = ["-mode=reverse-proxy", "-backend=redis", "-adminToken=secret"];
  await using one = await startCapsule(args, { env });
  await using two = await startCapsule(args, { env });
  const f = { function: "f", revision: "default", url: a.url };
  assert.equal((await admin(one.url, "POST", "redis/functions/registration", f)).status, 401);
  assert.equal(
    (await admin(one.url, "POST", "redis/functions/registration", f, "secret")).status,
    202,
  );
  let received = "";
  while (received !== "a GET / ") received = await text(`${two.url}/functions/f`);
  await redis.kill();
  assert.equal(await text(`${one.url}/functions/f`), "a GET / ");
  const { status, body } = await admin(
    one.url,
    "DELETE",
    "redis/functions/registration",
    { function: "f" },
    "secret",
  );
  assert.deepEqual([status, body.code], [503, "ERROR_BACKEND_UNAVAILABLE"]);
  assert.equal(await text(`${two.url}/functions/f`), "a GET / ");
});

/** A program with an older Deno refuses -crt. */
async function refusesTls(args: readonly string[]): Promise<boolean> {
  if (!await hasOlderDeno()) return false;
  const { code, stderr } = await runCapsule([...args, "-httpPort=0"]);
  assert.match(stderr, /-crt needs Deno 2\.9\.6: this version cannot close the connection/);
  assert.equal(code, 1);
  return true;
}

Deno.test("proxy: serves TLS by -crt and -key", () =>
  inFolder(async (folder) => {
    await using a = namedServer("a");
    await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: ${a.url}\n`);
    const tls = `${root}tests/testdata/tls/localhost`;
    const args = [
      "-mode=reverse-proxy",
      `-config=${folder}/config.yaml`,
      `-crt=${tls}.crt`,
      `-key=${tls}.key`,
    ];
    if (await refusesTls(args)) return;
    await using proxy = await startCapsule(args);
    const { port, protocol } = new URL(proxy.url);
    assert.equal(protocol, "https:");
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${tls}.crt`)] });
    const response = await fetch(`https://localhost:${port}/functions/f`, { client });
    assert.equal(await response.text(), "a GET / ");
  }));

Deno.test("proxy: an upstream and its health checks may use TLS; an untrusted one is a 502", () =>
  inFolder(async (folder) => {
    const tls = `${root}tests/testdata/tls/localhost`;
    const [cert, key] = await Promise.all([
      Deno.readTextFile(`${tls}.crt`),
      Deno.readTextFile(`${tls}.key`),
    ]);
    let isChecked = false;
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
      ({ url }) => {
        if (url.endsWith("/health")) isChecked = true;
        return new Response("safe");
      },
    );
    await Deno.writeTextFile(
      `${folder}/config.yaml`,
      `f:\n  default: https://localhost:${server.addr.port}\n`,
    );
    const args = ["-mode=reverse-proxy", `-config=${folder}/config.yaml`];
    {
      // The first check is made at the start.
      const health = ["-healthPath=/health", "-healthInterval=1m"];
      await using trusting = await startCapsule([...args, ...health, `-ca=${tls}.crt`]);
      assert.equal(await text(`${trusting.url}/functions/f`), "safe");
      while (!isChecked) {
        assert.equal(await text(`${trusting.url}/functions/f`), "safe");
        assert.doesNotMatch(trusting.stderr.text, /fails its health checks/);
      }
    }
    {
      await using strict = await startCapsule(args);
      const response = await fetch(`${strict.url}/functions/f`);
      const { code, why } = await response.json();
      assert.equal(response.status, 502);
      assert.match(`${code} ${why}`, /^ERROR_UPSTREAM_\w+ .*certificate/);
    }
    await server.shutdown();
  }));

Deno.test("proxy: refuses to start with the reason", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/bad.yaml`, "f:\n  default:\n    - nowhere\n");
    await Deno.writeTextFile(`${folder}/good.yaml`, "f:\n  default: http://localhost:1\n");
    const rows: ReadonlyArray<readonly [args: string[], code: number, stderr: RegExp]> = [
      [[], 2, /needs -config=PATH, -backend=memory or -backend=redis/],
      [
        ["-config=bad.yaml"],
        1,
        /^capsule: bad\.yaml:3:7: a URL must begin with http:\/\/ or https:\/\/, found "nowhere"\n$/,
      ],
      [["-config=none.yaml"], 1, /cannot read -config=none\.yaml: no such file/],
      [
        ["-backend=memory", "-host=0.0.0.0"],
        1,
        /-adminToken \(or CAPSULE_ADMIN_TOKEN\) must be set/,
      ],
      [["-backend=redis"], 2, /set REDIS_ADDR/],
      [["-backend=memory", "-routes=good.yaml"], 1, /-routes=good\.yaml is not JSON/],
      [["-backend=memory", "-routes=."], 1, /cannot read -routes=\.: it is not a regular file/],
      [
        ["-backend=memory", "-routes=none/r.json"],
        1,
        /cannot write -routes=none\/r\.json: no such folder/,
      ],
      [["-config=good.yaml", "-trustedProxies=ten"], 2, /got "ten"/],
      [
        ["-config=good.yaml", "-hashHeader=X-User"],
        2,
        /-hashHeader requires -balance=hash: the balance is random/,
      ],
      [
        ["-config=good.yaml", "-balance=hash", "-hashHeader=X User"],
        2,
        /must be a header name: got "X User"/,
      ],
      [
        ["-config=good.yaml", "-healthPath=health"],
        2,
        /begins with a slash, such as \/health: got "health"/,
      ],
      [
        ["-config=good.yaml", "-crt=bad.yaml", "-key=bad.yaml"],
        1,
        /cannot use -crt=bad\.yaml with -key=bad\.yaml: the first holds no PEM certificate/,
      ],
    ];
    for (const [args, code, stderr] of rows) {
      const ended = await runCapsule(["-mode=reverse-proxy", "-httpPort=0", ...args], {
        cwd: folder,
      });
      assert.match(ended.stderr, stderr);
      assert.equal(ended.code, code, ended.stderr);
    }
    // A proxy without a backend has no admin interface, so other machines may reach it.
    await using open = await startCapsule([
      "-mode=reverse-proxy",
      "-config=good.yaml",
      "-host=0.0.0.0",
    ], {
      cwd: folder,
    });
    assert.equal((await open.stop()).code, 0);
  }));

Deno.test("proxy: with -mode=faas, the requests of pages are refused even with the token", () =>
  inFolder(async (folder) => {
    const port = freePort();
    await using _faas = await startCapsule(["-mode=faas", `-proxyPort=${port}`], { cwd: folder });
    const token = (await Deno.readTextFile(`${folder}/.capsule/token`)).trim();
    const list = async (headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${port}/memory/functions/list`, {
        headers: { authorization: `Bearer ${token}`, ...headers },
      }).then((response) => response.json())).code;
    assert.equal(await list({}), undefined);
    assert.equal(await list({ origin: `http://127.0.0.1:${port}` }), "PAGE_REFUSED");
    assert.equal(await list({ "sec-fetch-site": "same-origin" }), "PAGE_REFUSED");
  }));
