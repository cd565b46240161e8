import assert from "node:assert/strict";
import { adminGuard } from "../../src/server/admin_guard.ts";
import { type AdminCallError, callAdmin } from "../../src/client/call_admin.ts";

const answering = (status: number, text: string) => ({
  label: "the thing",
  url: "http://localhost:1/",
  fetch: () => Promise.resolve(new Response(text, { status })),
});
const call = { method: "GET", path: "list" };
const failure = (message: RegExp, status: number, code: string) => (error: AdminCallError) => {
  assert.match(error.message, message);
  assert.deepEqual([error.status, error.code], [status, code]);
  return true;
};

Deno.test("callAdmin: returns the JSON of the response", async () => {
  assert.deepEqual(await callAdmin(answering(202, '{"a":"👋"}'), call), { a: "👋" });
  assert.equal(await callAdmin(answering(200, "null"), call), null);
});

Deno.test("callAdmin: sends its token as UTF-8", async () => {
  const guard = adminGuard({ token: "geheim-é-🔑", host: "localhost" });
  const server = {
    ...answering(200, ""),
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      Promise.resolve(guard(new Request(input, init)) ?? new Response("1")),
  };
  assert.equal(await callAdmin({ ...server, token: "geheim-é-🔑" }, call), 1);
  await assert.rejects(
    callAdmin({ ...server, token: "geheim-e" }, call),
    failure(/token/, 401, "UNAUTHORIZED"),
  );
  await assert.rejects(callAdmin(server, call), failure(/token/, 401, "UNAUTHORIZED"));
});

Deno.test("callAdmin: reports the server's message, and shortens a foreign one", async () => {
  await assert.rejects(
    callAdmin(answering(404, '{"code":"NOT_HERE","message":"no 👋"}'), call),
    failure(/^the thing http:\/\/localhost:1\/ refused: no 👋$/, 404, "NOT_HERE"),
  );
  await assert.rejects(
    callAdmin(answering(502, "<html>".repeat(100)), call),
    failure(/refused: 502 (?:<html>){33}<h$/, 502, "HTTP"),
  );
  await assert.rejects(
    callAdmin(answering(200, "hello"), call),
    failure(/refused: 200 hello$/, 200, "HTTP"),
  );
  await assert.rejects(callAdmin(answering(500, ""), call), failure(/refused: 500$/, 500, "HTTP"));
});

Deno.test("callAdmin: fails after its timeout", async () => {
  const never = {
    ...answering(200, ""),
    timeoutMs: 1,
    fetch: (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted")))
      ),
  };
  await assert.rejects(
    callAdmin(never, call),
    failure(
      /^the thing http:\/\/localhost:1\/ cannot be reached: no answer within 1 ms$/,
      0,
      "UNREACHABLE",
    ),
  );
});
