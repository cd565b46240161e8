import assert from "node:assert/strict";
import { z } from "zod";
import { adminGuard } from "../../src/server/admin_guard.ts";
import { HttpError } from "../../src/server/http_error.ts";
import { guarded, jsonApp, readJson } from "../../src/server/json_app.ts";
import { memoryLog } from "./memory_log.ts";

const registration = z.strictObject({
  function: z.string().min(1),
  revision: z.string(),
  url: z.url(),
});

function app() {
  const { log, stderr } = memoryLog();
  const app = jsonApp(log);
  app.post(
    "/registration",
    async (context) => context.json(await readJson(context, registration), 202),
  );
  app.get("/exists", () => {
    throw new HttpError(409, "ERROR_FUNCTION_ALREADY_EXISTS", "morgen already exists");
  });
  app.get("/bug", () => {
    throw new TypeError("a secret detail");
  });
  app.use("/admin/*", guarded(adminGuard({ host: "127.0.0.1", token: "t" })));
  app.post("/admin/x", (context) => context.text("in"));
  return { app, stderr };
}

async function post(
  body: BodyInit,
  path = "/registration",
): Promise<[number, Record<string, string>]> {
  const response = await app().app.fetch(
    new Request(`http://localhost${path}`, { method: "POST", body }),
  );
  assert.equal(response.headers.get("content-type"), "application/json");
  return [response.status, await response.json()];
}

Deno.test("readJson: ignores the content type", async () => {
  const body = { function: "morgen", revision: "bleu-é", url: "http://localhost:1" };
  assert.deepEqual(await post(JSON.stringify(body)), [202, body]);
});

Deno.test("readJson: refuses invalid JSON and other shapes, and names the field", async () => {
  const latin1 = Uint8Array.from('{"function":"é"}', (character) => character.charCodeAt(0));
  const rows: [BodyInit, RegExp][] = [
    ["", /must be JSON in UTF-8: it is empty/],
    ["{", /must be JSON/],
    [latin1, /must be JSON in UTF-8/],
    ["[]", /expected object/],
    ["null", /expected object/],
    ['{"function":"","revision":"a","url":"http://x"}', /"function": /],
    ['{"function":"a","url":"http://x"}', /"revision": /],
    ['{"function":"a","revision":"b","url":"http://x","more":1}', /more/],
  ];
  for (const [body, message] of rows) {
    const [status, answer] = await post(body);
    assert.deepEqual([status, answer.code], [400, "ERROR_JSON_BINDING"], String(body));
    assert.match(answer.message ?? "", message);
  }
});

Deno.test("readJson: refuses a body over 64 KiB", async () => {
  const [status, { code }] = await post(JSON.stringify({ function: "x".repeat(65536) }));
  assert.deepEqual([status, code], [413, "BODY_TOO_LARGE"]);
});

Deno.test("readJson: uses the error codes of its options", async () => {
  const request = (body: string) => new Request("http://x", { method: "POST", body });
  const codes = { syntaxCode: "JSON_PARSE_ERROR", shapeCode: "BAD_FIELDS" };
  await assert.rejects(readJson(request("{"), registration, codes), {
    code: "JSON_PARSE_ERROR",
    status: 400,
  });
  await assert.rejects(readJson(request("{}"), registration, codes), {
    code: "BAD_FIELDS",
    status: 400,
  });
});

Deno.test("jsonApp: responds with code and message to every error", async () => {
  const { app: it, stderr } = app();
  const get = async (path: string) => {
    const response = await it.fetch(new Request(`http://localhost${path}`));
    return [response.status, await response.json()];
  };
  assert.deepEqual(await get("/nope?q=1"), [404, {
    code: "PAGE_NOT_FOUND",
    message: "no page for GET /nope",
  }]);
  assert.deepEqual(await get("/exists"), [409, {
    code: "ERROR_FUNCTION_ALREADY_EXISTS",
    message: "morgen already exists",
  }]);
  const [status, body] = await get("/bug");
  assert.equal(status, 500);
  assert.ok(!JSON.stringify(body).includes("secret"), "a bug's text is for the log");
  assert.match(stderr(), /^error: request failed: TypeError: a secret detail/);
});

Deno.test("guarded: responds with the refusal of the guard", async () => {
  const { app: it } = app();
  const ask = (headers: Record<string, string>) =>
    it.fetch(
      new Request("http://localhost/admin/x", { method: "POST", body: "x".repeat(1000), headers }),
    );
  const refused = await ask({});
  assert.deepEqual([refused.status, (await refused.json()).code], [401, "UNAUTHORIZED"]);
  assert.equal(await (await ask({ authorization: "Bearer t" })).text(), "in");
});
