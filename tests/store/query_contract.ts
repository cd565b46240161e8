import assert from "node:assert/strict";
import { Caller } from "../../src/wasm/call_state.ts";
import type { QueryService } from "../../src/store/services.ts";
import type { CouchbaseSettings } from "../../src/store/settings.ts";
import { patient } from "./key_value_contract.ts";

/** A server for the suite, with its statements. */
export interface QueryServer {
  readonly settings: CouchbaseSettings;
  /** A statement that returns the row `{"row":"value"}`. */
  readonly statement: string;
  /** A statement that returns no rows. */
  readonly empty: string;
  /** A statement that the server refuses. */
  readonly refused: string;
}

/**
 * Registers the contract suite of query services. A Couchbase server is too large for the test
 * machines, so two servers stand in for it, each queried by the real client:
 *
 * | server                            | login          | statements                             |
 * | --------------------------------- | -------------- | -------------------------------------- |
 * | CouchbaseMock, by Couchbase       | not checked    | knows two, refuses all others          |
 * | `CouchbaseDouble`, ours           | SCRAM-SHA512   | returns what the test sets             |
 *
 * The mock is an independent implementation of the protocol. `couchbase_test.ts` tests on the
 * double what the mock lacks: refused logins, other error codes, slow responses, cut connections,
 * and a cluster that restarts.
 */
export function queryContract(
  name: string,
  test: (name: string, fn: () => Promise<void>) => void,
  withServer: (use: (server: QueryServer) => Promise<void>) => Promise<void>,
  open: (settings: CouchbaseSettings) => QueryService,
): void {
  const check = (
    sentence: string,
    use: (queries: QueryService, server: QueryServer) => Promise<void>,
    changed: Partial<CouchbaseSettings> = {},
  ) =>
    test(`${name}: ${sentence}`, () =>
      withServer(async (server) => {
        const queries = open({ ...server.settings, ...changed });
        try {
          await use(queries, server);
        } finally {
          await queries.close();
        }
      }));

  check("a statement returns its rows as a JSON array", async (queries, { statement }) => {
    assert.deepEqual(JSON.parse(await queries.query(statement, patient)), [{ row: "value" }]);
  });

  check("a statement without rows returns an empty array", async (queries, { empty }) => {
    assert.equal(await queries.query(empty, patient), "[]");
  });

  check("100 concurrent statements each get their rows", async (queries, { statement }) => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => queries.query(statement, patient)),
    );
    for (const rows of all) assert.deepEqual(JSON.parse(rows), [{ row: "value" }]);
  });

  check(
    "a refused statement is an error, and the next one works",
    async (queries, { refused, statement }) => {
      await assert.rejects(queries.query(refused, patient), {
        name: "CapsuleError",
        code: "QUERY",
      });
      assert.deepEqual(JSON.parse(await queries.query(statement, patient)), [{ row: "value" }]);
    },
  );

  check("a caller that has left ends the call with its reason", async (queries, { statement }) => {
    const caller = new Caller();
    caller.leave(new Error("the request is gone"));
    await assert.rejects(queries.query(statement, { timeoutMs: 1000, caller }), {
      message: "the request is gone",
    });
  });

  check("after close every query fails", async (queries, { statement }) => {
    await queries.query(statement, patient);
    await queries.close();
    await assert.rejects(queries.query(statement, patient), { code: "QUERY" });
    await queries.close();
  });
}
