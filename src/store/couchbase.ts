import { AmbiguousTimeoutError, Cluster, connect, UnambiguousTimeoutError } from "couchbase";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { Deadlines, type ServiceCall } from "./deadlines.ts";
import type { CallLimit, QueryService } from "./services.ts";
import type { CouchbaseSettings } from "./settings.ts";

/** The longest time for connecting, login included, in milliseconds. */
const maxConnectMs = 5000;

/**
 * Queries through the official client, which is native code. The first query connects, and so does
 * the next one after connecting failed; the client itself reconnects to a cluster that returns.
 */
export class CouchbaseQueries implements QueryService {
  readonly description: string;
  readonly #settings: CouchbaseSettings;
  readonly #deadlines = new Deadlines();
  #cluster: Promise<Cluster> | undefined;
  readonly #retired = new Set<Promise<void>>();
  #closed = false;

  constructor(settings: CouchbaseSettings) {
    this.#settings = settings;
    this.description = settings.cluster;
  }

  query(statement: string, limit: CallLimit): Promise<string> {
    const startedMs = performance.now();
    // The client's timeout is shorter than the caller's, since its error has more detail.
    const leftMs = () =>
      Math.max(1, Math.round((limit.timeoutMs - (performance.now() - startedMs)) * 0.95));
    const late = () => `${this.description} did not respond within ${limit.timeoutMs} ms`;
    return this.#deadlines.run(limit, late, async (call: ServiceCall) => {
      const cluster = await this.#open(Math.min(maxConnectMs, leftMs()));
      if (call.over) throw new CapsuleError("TIMEOUT", late());
      return jsonArray(await this.#rows(cluster, statement, leftMs()));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    const cluster = await this.#cluster?.catch(() => undefined);
    if (cluster) this.#retire(cluster);
    await Promise.all(this.#retired);
  }

  /** Closes the connection; the next query opens another. */
  #retire(cluster: Cluster): void {
    this.#cluster = undefined;
    const closing = cluster.close().catch(() => {}).finally(() => this.#retired.delete(closing));
    this.#retired.add(closing);
  }

  /** Opens the connection. Concurrent calls share an attempt and the first caller's timeout. */
  #open(connectMs: number): Promise<Cluster> {
    if (this.#closed) {
      return Promise.reject(new CapsuleError("QUERY", "the connection to Couchbase is closed"));
    }
    return this.#cluster ??= this.#connect(connectMs).catch((error) => {
      this.#cluster = undefined;
      const late = error instanceof UnambiguousTimeoutError ||
        error instanceof AmbiguousTimeoutError;
      const why = late ? `no response within ${connectMs} ms` : messageOf(error);
      throw new CapsuleError("QUERY", `${this.description} cannot be reached: ${why}`, {
        cause: error,
      });
    });
  }

  async #connect(connectMs: number): Promise<Cluster> {
    const { cluster: address, user, password, bucket, caFile } = this.#settings;
    const cluster = await connect(address, {
      username: user,
      password,
      timeouts: {
        bootstrapTimeout: connectMs,
        connectTimeout: connectMs,
        resolveTimeout: connectMs,
      },
      // Each would keep a timer, even after a failed attempt.
      tracingConfig: { enableTracing: false },
      metricsConfig: { enableMetrics: false },
      appTelemetryConfig: { enabled: false },
      ...(caFile ? { security: { trustStorePath: caFile } } : {}),
    });
    // Servers before 6.5 announce their query service only once a bucket is open. A missing bucket
    // is ignored here: if the statement uses it, the server reports it.
    cluster.conn.openBucket(bucket, () => {});
    return cluster;
  }

  /**
   * Returns the rows as the native code delivers them: JSON with the keys of objects in
   * alphabetical order. `Cluster.query` would parse them, and numbers above 2⁵³ would lose digits.
   */
  #rows(cluster: Cluster, statement: string, timeoutMs: number): Promise<string[]> {
    const connection = this.#cluster;
    return new Promise((resolve, reject) => {
      cluster.conn.query({
        statement,
        timeout: timeoutMs,
        adhoc: true,
        metrics: false,
        readonly: false,
        flex_index: false,
        preserve_expiry: false,
        mutation_state: [],
        raw: {},
        positional_parameters: [],
        named_parameters: {},
        body_str: "",
      }, (error: NativeError | null, response) => {
        if (!error) return resolve(response.rows);
        // No node could be reached within the timeout.
        if (!error.last_dispatched_to && this.#cluster === connection) this.#retire(cluster);
        reject(this.#failure(error, timeoutMs));
      });
    });
  }

  #failure(error: NativeError, timeoutMs: number): CapsuleError {
    const {
      code,
      first_error_code: serverCode,
      first_error_message: message,
      last_dispatched_to: sentTo,
    } = error;
    if (serverCode) {
      return new CapsuleError("QUERY", `${message} (${serverCode})`, { cause: error });
    }
    const unknown = sentTo
      ? " before the response: it is unknown whether the statement was executed"
      : "";
    if (code === nativeCodes.canceled) {
      return new CapsuleError("QUERY", `the connection to ${this.description} was lost${unknown}`, {
        cause: error,
      });
    }
    if (code === nativeCodes.ambiguousTimeout || code === nativeCodes.unambiguousTimeout) {
      return new CapsuleError(
        "TIMEOUT",
        `${this.description} did not respond within ${timeoutMs} ms`,
        {
          cause: error,
        },
      );
    }
    return new CapsuleError("QUERY", `${this.description} failed with code ${code} of its client`, {
      cause: error,
    });
  }
}

/** The longest result of a query, in characters: far below the longest string of V8. */
const maxResultLength = 64 * 1024 ** 2;

function jsonArray(rows: readonly string[]): string {
  const length = rows.reduce((sum, row) => sum + row.length + 1, 0);
  if (length <= maxResultLength) return `[${rows.join(",")}]`;
  throw new CapsuleError(
    "QUERY",
    `the rows have ${length} characters, and at most ${maxResultLength} are allowed`,
  );
}

/**
 * Error codes of the native client.
 *
 * @see https://github.com/couchbaselabs/sdk-rfcs/blob/master/rfc/0058-error-handling.md
 */
const nativeCodes = { canceled: 2, ambiguousTimeout: 13, unambiguousTimeout: 14 } as const;

/** The fields in use of the native code's error. */
interface NativeError {
  readonly code?: number;
  readonly first_error_code?: number;
  readonly first_error_message?: string;
  /** Empty if the statement was never sent. */
  readonly last_dispatched_to?: string;
}
