import assert from "node:assert/strict";
import fc from "fast-check";
import { applyTo, callOf, commands, type Model } from "./admin_model.ts";
import { adminApi } from "../../../src/proxy/admin/admin_api.ts";
import { ProxyClient } from "../../../src/proxy/admin/client.ts";
import { AdminCallError } from "../../../src/client/call_admin.ts";
import { MemoryTable } from "../../../src/proxy/routes/memory_table.ts";
import { listRoutes } from "../../../src/proxy/routes/routes.ts";
import { adminGuard } from "../../../src/server/admin_guard.ts";
import { Peer } from "../peers.ts";
import { silentLog as log } from "../silent_log.ts";
import { startProxy } from "../start_proxy.ts";

const origin = "http://localhost:8888";

function open(token?: string) {
  const table = new MemoryTable(new Map());
  const app = adminApi(table, {
    backend: "memory",
    guard: adminGuard({ token, host: "127.0.0.1" }),
    log,
  });
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.fetch(
      new Request(`${origin}/memory/functions/${path}`, {
        method,
        headers: { host: "localhost:8888", ...headers },
        body: text,
      }),
    );
    return { status: response.status, body: await response.json() };
  };
  return { table, app, call };
}

Deno.test("adminApi: registers and removes functions with the documented responses", async () => {
  const { call } = open();
  const list = async () => JSON.stringify((await call("GET", "list")).body);
  const morgen = { function: "morgen", revision: "default", url: "http://localhost:5050" };
  assert.deepEqual(await call("POST", "registration", morgen), {
    status: 202,
    body: { code: "OK", message: "Function created", ...morgen },
  });
  assert.equal(await list(), '{"morgen":{"default":["http://localhost:5050"]}}');
  const magenta = { function: "morgen", revision: "magenta", url: "http://localhost:5051" };
  assert.deepEqual((await call("POST", "registration", magenta)).body, {
    code: "OK",
    message: "Function created",
    ...magenta,
  });
  assert.deepEqual(await call("POST", "registration", magenta), {
    status: 409,
    body: { code: "ERROR_FUNCTION_ALREADY_EXISTS", message: "morgen already exists" },
  });
  assert.deepEqual(await call("DELETE", "registration", { function: "morgen" }), {
    status: 202,
    body: { code: "OK", message: "Function removed", function: "morgen" },
  });
  assert.equal(await list(), "{}");
  assert.deepEqual(await call("DELETE", "registration", { function: "morgen" }), {
    status: 404,
    body: { code: "ERROR_FUNCTION_NOT_FOUND", message: "morgen does not exist" },
  });
});

Deno.test("adminApi: adds and removes revisions and URLs with the documented responses", async () => {
  const { call } = open();
  const list = async () => JSON.stringify((await call("GET", "list")).body);
  const morgen = { function: "morgen", revision: "default", url: "http://localhost:5050" };
  await call("POST", "registration", morgen);
  const blue = { revision: "blue", url: "http://localhost:5051" };
  assert.deepEqual((await call("POST", "morgen/revision", blue)).body, {
    code: "OK",
    message: "Revision added to the function",
    function: "morgen",
    ...blue,
  });
  assert.equal(
    await list(),
    '{"morgen":{"blue":["http://localhost:5051"],"default":["http://localhost:5050"]}}',
  );
  const second = { url: "http://localhost:5053" };
  assert.deepEqual(await call("POST", "morgen/blue/url", second), {
    status: 202,
    body: {
      code: "OK",
      message: "URL added to the revision",
      function: "morgen",
      revision: "blue",
      ...second,
    },
  });
  assert.equal(
    await list(),
    '{"morgen":{"blue":["http://localhost:5051","http://localhost:5053"],"default":["http://localhost:5050"]}}',
  );
  assert.equal(
    (await call("DELETE", "morgen/blue/url", second)).body.message,
    "URL removed from the revision",
  );
  assert.deepEqual(await call("DELETE", "morgen/blue/url", second), {
    status: 404,
    body: { code: "ERROR_URL_NOT_FOUND", message: "http://localhost:5053 does not exist" },
  });
  assert.deepEqual((await call("DELETE", "morgen/revision", { revision: "blue" })).body, {
    code: "OK",
    message: "Revision removed from the function",
    function: "morgen",
    revision: "blue",
  });
});

const url = "http://localhost:1";
const refused: ReadonlyArray<
  readonly [
    method: string,
    path: string,
    body: unknown,
    status: number,
    code: string,
    message: RegExp,
  ]
> = [
  ["POST", "registration", "{", 400, "ERROR_JSON_BINDING", /JSON/],
  ["POST", "registration", "", 400, "ERROR_JSON_BINDING", /empty/],
  ["POST", "registration", "[]", 400, "ERROR_JSON_BINDING", /expected object/],
  ["POST", "registration", { function: "f", revision: "r" }, 400, "ERROR_JSON_BINDING", /"url"/],
  [
    "POST",
    "registration",
    { function: "f", revision: "r", url, more: 1 },
    400,
    "ERROR_JSON_BINDING",
    /more/,
  ],
  [
    "POST",
    "registration",
    { function: 1, revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /"function"/,
  ],
  [
    "POST",
    "registration",
    { function: "f/g", revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /1 to 128 letters/,
  ],
  [
    "POST",
    "registration",
    { function: "..", revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /1 to 128 letters/,
  ],
  [
    "POST",
    "registration",
    { function: "", revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /1 to 128 letters/,
  ],
  [
    "POST",
    "registration",
    { function: "é", revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /1 to 128 letters/,
  ],
  [
    "POST",
    "registration",
    { function: "a".repeat(129), revision: "r", url },
    400,
    "ERROR_JSON_BINDING",
    /1 to 128/,
  ],
  [
    "POST",
    "registration",
    { function: "f", revision: "r", url: "localhost" },
    400,
    "ERROR_JSON_BINDING",
    /begin with http/,
  ],
  [
    "POST",
    "registration",
    { function: "f", revision: "r", url: "http://u:p@a" },
    400,
    "ERROR_JSON_BINDING",
    /user/,
  ],
  [
    "POST",
    "registration",
    { function: "f", revision: "r", url: `http://${"a".repeat(65536)}` },
    413,
    "BODY_TOO_LARGE",
    /65536/,
  ],
  ["POST", "f%2Fg/revision", { revision: "r", url }, 400, "ERROR_BAD_NAME", /1 to 128/],
  ["POST", "f/a b/url", { url }, 400, "ERROR_BAD_NAME", /1 to 128/],
  [
    "POST",
    "f/revision",
    { revision: "r", url },
    404,
    "ERROR_FUNCTION_NOT_FOUND",
    /^f does not exist$/,
  ],
  ["GET", "elsewhere", undefined, 404, "PAGE_NOT_FOUND", /GET \/memory/],
  ["PUT", "registration", { function: "f" }, 404, "PAGE_NOT_FOUND", /PUT/],
];

Deno.test("adminApi: refuses invalid calls with code and message", async (test) => {
  const { call, table } = open();
  for (const [method, path, body, status, code, message] of refused) {
    await test.step(`${method} ${path} ${status} ${message}`, async () => {
      const answer = await call(method, path, body);
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
      assert.match(answer.body.message, message);
    });
  }
  assert.equal(table.routes.size, 0);
});

Deno.test("adminApi: requires its token; without one, refuses foreign pages and hosts", async () => {
  const guarded = open("secret");
  assert.equal((await guarded.call("GET", "list")).status, 401);
  assert.equal(
    (await guarded.call("GET", "list", undefined, { authorization: "Bearer wrong" })).status,
    401,
  );
  assert.equal(
    (await guarded.call("GET", "list", undefined, { authorization: "Bearer secret" })).status,
    200,
  );
  const { call } = open();
  assert.equal(
    (await call("GET", "list", undefined, { origin: "http://evil.example" })).status,
    403,
  );
  assert.equal((await call("GET", "list", undefined, { host: "evil.example:8888" })).status, 403);
});

Deno.test("adminApi: registers a revision without a URL only for an explicit null", async () => {
  const { call, table } = open();
  const blue = { function: "f", revision: "blue" };
  assert.equal((await call("POST", "registration", { ...blue, url: null })).status, 202);
  assert.deepEqual(listRoutes(table.routes), { f: { blue: [] } });
  assert.equal((await call("POST", "registration", { ...blue, url: null })).status, 409);
  assert.equal((await call("POST", "f/blue/url", { url })).status, 202);
  assert.deepEqual(listRoutes(table.routes), { f: { blue: [url] } });
  for (const path of ["f/revision", "f/blue/url"]) {
    assert.equal((await call("POST", path, { revision: "green", url: null })).status, 400);
  }
});

Deno.test("ProxyClient: makes each call and rejects with the code of a refusal", async () => {
  const { app, table } = open("secret");
  const client = new ProxyClient({
    url: `${origin}/`,
    backend: "memory",
    token: "secret",
    fetch: (input, init) => Promise.resolve(app.fetch(new Request(input, init))),
  });
  const route = { function: "f", revision: "default", url };
  await client.register(route);
  await client.addRevision({ ...route, revision: "blue" });
  await client.addUrl({ ...route, url: "http://localhost:2" });
  assert.deepEqual(
    await client.list(),
    new Map([["f", new Map([["blue", [url]], ["default", [url, "http://localhost:2"]]])]]),
  );
  await client.removeUrl(route);
  await assert.rejects(client.removeRevision({ function: "f", revision: "blue", ifEmpty: true }), {
    status: 409,
    code: "ERROR_REVISION_NOT_EMPTY",
  });
  await client.removeRevision({ function: "f", revision: "blue" });
  assert.deepEqual(listRoutes(table.routes), { f: { default: ["http://localhost:2"] } });
  await client.removeFunction("f");
  await assert.rejects(client.removeFunction("f"), (error) => {
    assert.ok(error instanceof AdminCallError);
    assert.deepEqual([error.status, error.code], [404, "ERROR_FUNCTION_NOT_FOUND"]);
    return true;
  });
  const away = new ProxyClient({ url: "http://127.0.0.1:1", backend: "memory" });
  await assert.rejects(away.list(), { code: "UNREACHABLE", status: 0 });
});

Deno.test("adminApi: any sequence of calls leaves the routes of a simple model", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commands(["http://a", "http://b"]), { maxLength: 30 }),
      async (sequence) => {
        const { call, table } = open();
        const model: Model = new Map();
        for (const command of sequence) {
          const status = applyTo(model, command);
          assert.equal((await call(...callOf(command))).status, status, JSON.stringify(command));
        }
        const plain = new Map([...table.routes].map(([name, { revisions }]) => [
          name,
          new Map(
            [...revisions].map(([revision, entries]) => [revision, entries.map(({ url }) => url)]),
          ),
        ]));
        assert.deepEqual(plain, model);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("serveAdmin: admin paths share the port of the functions; bodies have up to 64 KiB", async () => {
  const { app } = open();
  await using proxy = startProxy({}, { admin: { root: "memory", handler: app.fetch } });
  using peer = await Peer.connect(proxy.port);
  const ask = async (text: string) => {
    await peer.send(text);
    const answer = await peer.message();
    return {
      status: Number(answer.slice(9, 12)),
      body: JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))),
    };
  };
  const head = "POST /memory/functions/registration HTTP/1.1\r\nHost: localhost\r\n";
  const body = JSON.stringify({ function: "f", revision: "default", url });
  const half = body.length >> 1;
  const chunked =
    `Transfer-Encoding: chunked\r\n\r\n${half.toString(16)}\r\n${body.slice(0, half)}\r\n` +
    `${(body.length - half).toString(16)}\r\n${body.slice(half)}\r\n0\r\n\r\n`;
  assert.equal((await ask(head + chunked)).status, 202);
  assert.equal((await ask(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)).status, 409);
  assert.deepEqual(
    (await ask("GET /memory/functions/list HTTP/1.1\r\nHost: localhost\r\n\r\n")).body,
    {
      f: { default: [url] },
    },
  );
  assert.equal(
    (await ask("GET /memory/functions/list HTTP/1.1\r\nHost: evil.example\r\n\r\n")).status,
    403,
  );
  // The authority of an absolute target replaces the Host header, for the guard, too.
  const absolute = async (target: string, host: string) =>
    (await ask(`GET http://${target}/memory/functions/list HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
      .status;
  assert.equal(await absolute("evil.example", "localhost"), 403);
  assert.equal(await absolute("localhost:8080", "evil.example"), 200);
  const large = await ask(`${head}Content-Length: 65537\r\n\r\n${"a".repeat(65537)}`);
  assert.deepEqual([large.status, large.body.code], [413, "BODY_TOO_LARGE"]);
  await peer.send(`${head}Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
  assert.match(await peer.until("\r\n\r\n"), /^HTTP\/1\.1 100 /);
  assert.equal((await ask(body)).status, 409);
});
