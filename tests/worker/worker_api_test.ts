import assert from "node:assert/strict";
import { call, inWorker } from "./open_worker.ts";

const what = { function: "hello", revision: "blue" };
const deployment = { ...what, downloadUrl: "http://localhost:4999/me/hello/0.0.0/hello.wasm" };

const calls: ReadonlyArray<readonly [method: string, path: string]> = [
  ["POST", "/functions/deploy"],
  ["POST", "/functions/scale"],
  ["POST", "/functions/set_default_revision"],
  ["DELETE", "/functions/remove_default_revision"],
  ["DELETE", "/functions/revisions/deployments"],
  ["GET", "/functions/list"],
  ["GET", "/functions/hello/blue/logs"],
];

Deno.test("workerApi: every call needs the token", () =>
  inWorker(async (worker) => {
    for (const [method, path] of calls) {
      for (const authorization of ["", "Bearer wrong"]) {
        const { status, body } = await call(worker, method, path, { headers: { authorization } });
        assert.deepEqual([status, body.code], [401, "UNAUTHORIZED"], path);
      }
      const headers = { authorization: "Bearer s3cret" };
      assert.notEqual((await call(worker, method, path, { headers })).status, 401, path);
    }
    assert.equal(
      await (await worker.handler(new Request("http://localhost:9999/health"))).text(),
      "OK",
    );
  }, { adminToken: "s3cret" }));

Deno.test("workerApi: without a token, refuses web pages and foreign names", () =>
  inWorker(async (worker) => {
    for (const [method, path] of calls) {
      const page = await call(worker, method, path, { headers: { origin: "http://evil.example" } });
      assert.deepEqual([page.status, page.body.code], [403, "FOREIGN_ORIGIN"], path);
      const name = await call(worker, method, path, { headers: { host: "evil.example:9999" } });
      assert.deepEqual([name.status, name.body.code], [403, "FOREIGN_HOST"], path);
    }
  }));

Deno.test("workerApi: responds 404 to an unknown function, revision or page", () =>
  inWorker(async (worker) => {
    const rows: ReadonlyArray<
      readonly [method: string, path: string, body: unknown, code: string]
    > = [
      ["POST", "/functions/scale", { ...what, instances: 2 }, "FUNCTION_NOT_FOUND"],
      ["POST", "/functions/set_default_revision", what, "FUNCTION_NOT_FOUND"],
      ["DELETE", "/functions/remove_default_revision", { function: "hello" }, "FUNCTION_NOT_FOUND"],
      ["DELETE", "/functions/revisions/deployments", what, "FUNCTION_NOT_FOUND"],
      ["GET", "/functions/hello/blue/logs", undefined, "REVISION_NOT_FOUND"],
      ["GET", "/functions/nothing", undefined, "PAGE_NOT_FOUND"],
      ["GET", "/", undefined, "PAGE_NOT_FOUND"],
    ];
    for (const [method, path, body, code] of rows) {
      const answer = await call(worker, method, path, { body });
      assert.deepEqual([answer.status, answer.body.code], [404, code], path);
    }
  }));

Deno.test("workerApi: a bad body is a 400 with field and rule", () =>
  inWorker(async (worker) => {
    const bad = (more: Record<string, unknown>) => ({ ...deployment, ...more });
    const env = (envVariables: Record<string, unknown>) => bad({ envVariables });
    const rows: ReadonlyArray<readonly [body: unknown, message: RegExp]> = [
      ["", /^the body must be JSON in UTF-8: it is empty$/],
      ["{", /must be JSON in UTF-8/],
      ["[]", /expected object/],
      [{ function: "hello", revision: "blue" }, /"downloadUrl": /],
      [bad({ function: "a b" }), /"function": expected a name .1 to 128 letters/],
      [bad({ function: ".." }), /"function": /],
      [bad({ function: "__proto__" }), /"function": /],
      [bad({ revision: "" }), /"revision": /],
      [bad({ revision: "x".repeat(129) }), /"revision": /],
      [bad({ downloadUrl: "hello.wasm" }), /"downloadUrl": expected a URL that begins with http:/],
      [bad({ downloadUrl: "file:///etc/passwd" }), /"downloadUrl": expected a URL that begins/],
      [
        bad({ downloadUrl: "http://a:b@localhost/hello.wasm" }),
        /expected a URL without a user or a password/,
      ],
      [bad({ sha256: "abc" }), /"sha256": expected a digest, 64 hexadecimal digits/],
      [bad({ instances: 0 }), /"instances": expected a number of instances from 1 to 256/],
      [bad({ instances: 1.5 }), /"instances": /],
      [bad({ instances: 257 }), /"instances": /],
      [bad({ instances: "2" }), /"instances": /],
      [bad({ idle: "soon" }), /"idle": expected a duration such as 60s/],
      [bad({ idle: "0" }), /"idle": expected a duration such as 60s/],
      [bad({ idle: "600h" }), /"idle": expected a duration of at most 596h/],
      [bad({ port: 1 }), /"port"/],
      [env({ "A-B": "" }), /"envVariables.A-B": a variable's name has 1 to 128/],
      [env({ "": "" }), /a variable's name has 1 to 128/],
      [env({ "1A": "" }), /a variable's name has 1 to 128/],
      [
        env({ CAPSULE_ADMIN_TOKEN: "x" }),
        /"envVariables.CAPSULE_ADMIN_TOKEN": it belongs to the launcher/,
      ],
      [env({ DENO_DIR: "/tmp" }), /DENO_DIR": it belongs to the launcher/],
      [env({ LD_PRELOAD: "/tmp/x" }), /LD_PRELOAD": it belongs to the launcher/],
      [env({ PATH: "/tmp" }), /PATH": it belongs to the launcher/],
      [
        env({ REDIS_ADDR: "evil:6379" }),
        /REDIS_ADDR": the worker's own environment has REDIS_… already/,
      ],
      [env({ MESSAGE: "a\0b" }), /MESSAGE": a value must not contain a zero byte/],
      [
        env({ MESSAGE: "é".repeat(16 * 1024 + 1) }),
        /MESSAGE": a value may have at most 32768 bytes/,
      ],
      [env({ MESSAGE: 1 }), /"envVariables.MESSAGE": /],
    ];
    for (const [body, message] of rows) {
      const answer = await call(worker, "POST", "/functions/deploy", { body });
      const isSyntax = typeof body === "string" && body !== "[]";
      assert.deepEqual(
        [answer.status, answer.body.code],
        [400, isSyntax ? "JSON_PARSE_ERROR" : "JSON_SHAPE_ERROR"],
        JSON.stringify(answer),
      );
      assert.match(answer.body.message, message);
    }
    const scale = { body: { ...what, instances: -1 } };
    assert.equal((await call(worker, "POST", "/functions/scale", scale)).status, 400);
    const large = await call(worker, "POST", "/functions/deploy", {
      body: " ".repeat(1024 * 1024 + 1),
    });
    assert.deepEqual([large.status, large.body.code], [413, "BODY_TOO_LARGE"]);
    assert.deepEqual((await call(worker, "GET", "/functions/list")).body, {});
  }, { variables: { REDIS_PWD: "secret" } }));
