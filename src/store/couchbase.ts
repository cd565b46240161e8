import { AmbiguousTimeoutError, Cluster, connect, UnambiguousTimeoutError } from "couchbase";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { type Call, Deadlines } from "./deadlines.ts";
import type { CallLimit } from "./key_value.ts";
import type { QueryService } from "./query.ts";
import type { CouchbaseSettings } from "./settings.ts";

/** How long reaching the cluster may take at most, login included, in milliseconds. */
const longestConnectMs = 5000;

/**
 * Queries through the official client, whose native code speaks to the cluster. The connection is made by the first query, and
 * anew by the next one after it failed; the client itself finds the cluster again after it was away.
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
    // The client gives up a little earlier than the caller, and says more.
    const leftMs = () =>
      Math.max(1, Math.round((limit.timeoutMs - (performance.now() - startedMs)) * 0.95));
    const late = () => `${this.description} gave no answer within ${limit.timeoutMs} ms`;
    return this.#deadlines.run(limit, late, async (call: Call) => {
      const cluster = await this.#open(Math.min(longestConnectMs, leftMs()));
      if (call.over) throw new CapsuleError("TIMEOUT", late());
      return `[${(await this.#rows(cluster, statement, leftMs())).join(",")}]`;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    const cluster = await this.#cluster?.catch(() => undefined);
    if (cluster) this.#retire(cluster);
    await Promise.all(this.#retired);
  }

  /** Lets the next query connect anew. */
  #retire(cluster: Cluster): void {
    this.#cluster = undefined;
    const closing = cluster.close().catch(() => {}).finally(() => this.#retired.delete(closing));
    this.#retired.add(closing);
  }

  /** The connection; those who ask while it is being made share the attempt, which takes as long as the first of them has. */
  #open(connectMs: number): Promise<Cluster> {
    if (this.#closed) {
      return Promise.reject(new CapsuleError("QUERY", "the connection to Couchbase is closed"));
    }
    return this.#cluster ??= this.#connect(connectMs).catch((error) => {
      this.#cluster = undefined;
      const late = error instanceof UnambiguousTimeoutError ||
        error instanceof AmbiguousTimeoutError;
      const why = late ? `no answer within ${connectMs} ms` : messageOf(error);
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
      // Each would run a timer of its own, also for a cluster that could not be reached and is tried again.
      tracingConfig: { enableTracing: false },
      metricsConfig: { enableMetrics: false },
      appTelemetryConfig: { enabled: false },
      ...(caFile ? { security: { trustStorePath: caFile } } : {}),
    });
    // Servers before 6.5 tell where their query service is only once a bucket is open. A bucket that does not exist is no
    // failure yet: the statement may not be about it, and if it is, the server says so.
    cluster.conn.openBucket(bucket, () => {});
    return cluster;
  }

  /**
   * The rows as the native code hands them over: the server's, with the keys of an object in alphabetical order. `Cluster.query`
   * would read them into JavaScript first, where a number over 2⁵³ loses digits.
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
        // It found nobody to send the statement to in all that time.
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
      ? " before the answer came: whether the statement was carried out is not known"
      : "";
    if (code === nativeCodes.canceled) {
      return new CapsuleError("QUERY", `the connection to ${this.description} was lost${unknown}`, {
        cause: error,
      });
    }
    if (code === nativeCodes.ambiguousTimeout || code === nativeCodes.unambiguousTimeout) {
      return new CapsuleError(
        "TIMEOUT",
        `${this.description} gave no answer within ${timeoutMs} ms`,
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

/** Codes of the native client, the same in all of Couchbase's clients: https://github.com/couchbaselabs/sdk-rfcs/blob/master/rfc/0058-error-handling.md */
const nativeCodes = { canceled: 2, ambiguousTimeout: 13, unambiguousTimeout: 14 } as const;

/** What the native code tells of a failed query, as far as it is used. */
interface NativeError {
  readonly code?: number;
  readonly first_error_code?: number;
  readonly first_error_message?: string;
  /** Empty when the statement was never sent. */
  readonly last_dispatched_to?: string;
}
