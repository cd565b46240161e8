import assert from "node:assert/strict";
import { Caller } from "../../src/wasm/guest.ts";
import type { QueryService } from "../../src/store/services.ts";
import type { CouchbaseSettings } from "../../src/store/settings.ts";
import { patient } from "./key_value_contract.ts";

/** A server for the suite, and how to ask it. */
export interface QueryServer {
  readonly settings: CouchbaseSettings;
  /** A statement that the server answers with the row `{"row":"value"}`. */
  readonly statement: string;
  /** A statement that it answers with no row. */
  readonly empty: string;
  /** A statement that it refuses. */
  readonly refused: string;
}

/**
 * The one suite that every query service passes, on every server that there is. A Couchbase server cannot be installed where
 * this is tested, so two stand in for it, each asked by the real client:
 *
 * | server                            | login          | statements                             |
 * | --------------------------------- | -------------- | -------------------------------------- |
 * | CouchbaseMock, of Couchbase's own | anybody passes | knows two, refuses all else as unknown |
 * | `CouchbaseDouble`, of ours        | SCRAM-SHA512   | answers what the test says             |
 *
 * The mock shows that somebody else's reading of the protocol and ours agree. What it cannot do is tried on the double alone, in
 * `couchbase_test.ts`: refused logins, errors with other codes, slow answers, cut connections, a cluster that goes and comes back.
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

  check("a statement gives its rows as a JSON array", async (queries, { statement }) => {
    assert.deepEqual(JSON.parse(await queries.query(statement, patient)), [{ row: "value" }]);
  });

  check("no rows are an empty array", async (queries, { empty }) => {
    assert.equal(await queries.query(empty, patient), "[]");
  });

  check("100 statements at once each get their rows", async (queries, { statement }) => {
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
