/** The native client against CouchbaseMock and against our double; see `query_contract.ts`. */
import assert from "node:assert/strict";
import { Caller } from "../../src/wasm/call_state.ts";
import { CouchbaseQueries } from "../../src/store/couchbase.ts";
import type { CouchbaseSettings } from "../../src/store/settings.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";
import { CouchbaseMock, couchbaseMockTest } from "../testing/couchbase_mock.ts";
import { patient } from "./key_value_contract.ts";
import { queryContract } from "./query_contract.ts";

const login = { user: "admin", password: "ilovepandas", bucket: "wasm-data" };

async function withDouble(
  use: (
    double: CouchbaseDouble,
    open: (changed?: Partial<CouchbaseSettings>) => CouchbaseQueries,
  ) => Promise<void>,
): Promise<void> {
  await using double = new CouchbaseDouble(login);
  const opened: CouchbaseQueries[] = [];
  try {
    await use(double, (changed) => {
      const queries = new CouchbaseQueries({
        cluster: double.connectionString,
        ...login,
        ...changed,
      });
      opened.push(queries);
      return queries;
    });
  } finally {
    for (const queries of opened) await queries.close();
  }
}

queryContract(
  "couchbase double",
  Deno.test,
  (use) =>
    withDouble(async (double) => {
      double.answer = (statement) =>
        statement === "SELEC 1"
          ? { kind: "error", code: 3000, message: "syntax error" }
          : { kind: "rows", rows: statement === "SELECT 1" ? ['{"row":"value"}'] : [] };
      const settings = { cluster: double.connectionString, ...login };
      await use({ settings, statement: "SELECT 1", empty: "SELECT nothing", refused: "SELEC 1" });
    }),
  (settings) => new CouchbaseQueries(settings),
);

queryContract(
  "couchbase mock",
  couchbaseMockTest,
  async (use) => {
    await using mock = await CouchbaseMock.start();
    const { settings } = mock;
    // The only statements that the mock supports.
    await use({
      settings,
      statement: "SELECT mockrow",
      empty: "SELECT emptyrow",
      refused: "SELEC 1",
    });
  },
  (settings) => new CouchbaseQueries(settings),
);

couchbaseMockTest(
  "couchbase mock: a refused statement fails with the server's message and code",
  async () => {
    await using mock = await CouchbaseMock.start();
    const queries = new CouchbaseQueries(mock.settings);
    await assert.rejects(queries.query("SELECT * FROM `wasm-data`.data.docs", patient), {
      code: "QUERY",
      message: "keyspace not found (12003)",
    });
    await queries.close();
  },
);

Deno.test("couchbase: the native client of version 4.7.0 connects", () =>
  withDouble(async (double, open) => {
    await open().query("SELECT 1", patient);
    assert.ok(double.agents.length > 0);
    for (const agent of double.agents) assert.match(agent, /^nodejs\/4\.7\.0 \(cxx\//);
  }));

Deno.test("couchbase: rows keep all digits; no rows are []", () =>
  withDouble(async (double, open) => {
    const queries = open();
    double.answer = () => ({
      kind: "rows",
      rows: ['{"a":"é 👋","b":1.0,"id":9007199254740993}', "null", '"x"'],
    });
    assert.equal(
      await queries.query("SELECT * FROM `wasm-data`.data.docs", patient),
      '[{"a":"é 👋","b":1.0,"id":9007199254740993},null,"x"]',
    );
    double.answer = () => ({ kind: "rows", rows: [] });
    assert.equal(await queries.query("SELECT nothing", patient), "[]");
    const rows = Array.from(
      { length: 20_000 },
      (_, index) => `{"index":${index},"text":"${"x".repeat(50)}"}`,
    );
    double.answer = () => ({ kind: "rows", rows });
    assert.equal(await queries.query("SELECT much", patient), `[${rows.join(",")}]`);
    assert.deepEqual(double.statements, [
      "SELECT * FROM `wasm-data`.data.docs",
      "SELECT nothing",
      "SELECT much",
    ]);
  }));

Deno.test("couchbase: refuses rows of more than 64 MiB", () =>
  withDouble(async (double, open) => {
    const row = JSON.stringify("x".repeat(1024 ** 2));
    double.answer = () => ({ kind: "rows", rows: Array<string>(64).fill(row) });
    await assert.rejects(open().query("SELECT much", patient), {
      code: "QUERY",
      message: "the rows have 67109056 characters, and at most 67108864 are allowed",
    });
  }));

Deno.test("couchbase: a refused statement fails with the server's message and code", () =>
  withDouble(async (double, open) => {
    const queries = open();
    const rows: [number, number, string][] = [
      [400, 3000, "syntax error - line 1, column 1, near 'SELEC'"],
      [404, 12003, "Keyspace not found in CB datastore: default:wasm-data"],
      [401, 13014, "User does not have credentials to run SELECT queries"],
      [500, 5000, "An internal error: é"],
    ];
    for (const [status, code, message] of rows) {
      double.answer = () => ({ kind: "error", status, code, message });
      await assert.rejects(queries.query("SELECT 1", patient), {
        code: "QUERY",
        message: `${message} (${code})`,
      });
    }
    assert.equal(double.statements.length, rows.length);
  }));

Deno.test("couchbase: a wrong password fails to connect, a missing bucket does not", () =>
  withDouble(async (double, open) => {
    const wrong = open({ password: "other" });
    for (let time = 0; time < 2; time++) {
      await assert.rejects(wrong.query("SELECT 1", patient), {
        code: "QUERY",
        message: `${double.connectionString} cannot be reached: authentication failure`,
      });
    }
    assert.equal(await open({ bucket: "none" }).query("SELECT 1", patient), "[]");
  }));

Deno.test("couchbase: a cut connection fails the statement, which is not repeated", () =>
  withDouble(async (double, open) => {
    const queries = open();
    double.answer = () => ({ kind: "cut" });
    await assert.rejects(queries.query("INSERT", patient), {
      code: "QUERY",
      message: `the connection to ${double.connectionString} was lost before the response: ` +
        "it is unknown whether the statement was executed",
    });
    double.answer = () => ({ kind: "rows", rows: ["1"] });
    assert.equal(await queries.query("SELECT 1", patient), "[1]");
    assert.deepEqual(double.statements, ["INSERT", "SELECT 1"]);
  }));

Deno.test("couchbase: a silent server times out, and the next query works", () =>
  withDouble(async (double, open) => {
    const queries = open();
    await queries.query("SELECT 0", patient);
    double.answer = () => ({ kind: "silence" });
    await assert.rejects(queries.query("SELECT 1", { timeoutMs: 200 }), {
      code: "TIMEOUT",
      message: new RegExp(`^${double.connectionString} did not respond within \\d+ ms$`),
    });
    const caller = new Caller();
    const left = queries.query("SELECT 2", { ...patient, caller });
    caller.leave(new Error("the request is gone"));
    await assert.rejects(left, { message: "the request is gone" });
    double.answer = () => ({ kind: "rows", rows: ["1"] });
    assert.equal(await queries.query("SELECT 3", patient), "[1]");
  }));

Deno.test("couchbase: a stopped cluster fails queries, which work again after its restart", () =>
  withDouble(async (double, open) => {
    const queries = open();
    await queries.query("SELECT 1", patient);
    await double.stop();
    for (let time = 0; time < 2; time++) {
      await assert.rejects(queries.query("SELECT 2", { timeoutMs: 300 }), { name: "CapsuleError" });
    }
    const newcomer = open();
    await assert.rejects(newcomer.query("SELECT 3", { timeoutMs: 1000 }), {
      code: "QUERY",
      message: new RegExp(
        `^${double.connectionString} cannot be reached: no response within 9\\d\\d ms$`,
      ),
    });
    double.start();
    assert.equal(await queries.query("SELECT 4", patient), "[]");
    assert.equal(await newcomer.query("SELECT 5", patient), "[]");
    assert.deepEqual(double.statements, ["SELECT 1", "SELECT 4", "SELECT 5"]);
  }));
