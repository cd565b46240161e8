import type { CallLimit } from "./key_value.ts";

/** A database that is asked in N1QL: what `CouchBaseQuery` of a guest reaches. */
export interface QueryService {
  /** Where it is: `couchbase://127.0.0.1`. Never a password. */
  readonly description: string;
  /**
   * Runs a statement and returns its rows as the text of a JSON array, `[]` for none. No number loses a digit; the keys of
   * an object may change their order.
   *
   * @throws CapsuleError `QUERY` with the server's code and message, or why the cluster cannot be reached; `TIMEOUT` past
   * the limit. A statement is never sent twice once it may have been carried out.
   */
  query(statement: string, limit: CallLimit): Promise<string>;
  /** Gives the connection back. Later queries fail. */
  close(): Promise<void>;
}
