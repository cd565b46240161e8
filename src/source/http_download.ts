import { setTimeout as delay } from "node:timers/promises";
import { httpFetch } from "../base/http_fetch.ts";
import { CapsuleError, fetchReason, messageOf } from "../base/errors.ts";
import { bearer } from "../base/headers.ts";
import { shownUrl, type Validators } from "./saved_copy.ts";

/** Timeouts and retry delays of a download, in milliseconds. */
export interface DownloadTimeouts {
  /** Until the response begins: connecting, redirects and waiting together. */
  answerMs: number;
  /** Between two pieces of the body. */
  idleMs: number;
  /** Before the second, third, … try; their number limits the tries. */
  delaysMs: readonly number[];
}

/** Three tries; 30 s for the response to begin, and between pieces. */
export const defaultDownloadTimeouts: DownloadTimeouts = {
  answerMs: 30_000,
  idleMs: 30_000,
  delaysMs: [500, 2000],
};

/** A response whose body is being downloaded. */
export interface DownloadedBody extends Validators {
  stream: AsyncIterable<Uint8Array>;
  /** The size of the stream in bytes; unknown if the server compresses it or does not state it. */
  size?: number;
}

/** Options of `httpDownload`. */
export interface DownloadOptions<T> {
  /** Consumes the body. Called again with a new one after a try that broke off. */
  take: (body: DownloadedBody) => Promise<T>;
  /** Makes the request conditional: the server may respond that the copy is current. */
  validators?: Validators;
  signal: AbortSignal;
  timeouts: DownloadTimeouts;
  /** Sent as a bearer token, but not to another host that the server redirects to. */
  token?: string;
}

/** A response that refuses the download. Code `DOWNLOAD`. */
export class DownloadRefused extends CapsuleError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("DOWNLOAD", message);
    this.name = "DownloadRefused";
    this.status = status;
  }
}

/** A failure after which another try may succeed. */
class TransientError extends CapsuleError {
  readonly waitMs: number;

  constructor(message: string, { waitMs = 0, cause }: { waitMs?: number; cause?: unknown } = {}) {
    super("DOWNLOAD", message, { cause });
    this.waitMs = waitMs;
  }
}

/**
 * Statuses that ask for another try.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
 */
const transientStatuses = [408, 429, 500, 502, 503, 504];
/** The longest `Retry-After` that is honoured. */
const maxRetryAfterMs = 10_000;

/**
 * Downloads with GET. Follows redirects, and retries after network errors and transient statuses.
 *
 * @returns the result of `take`, or `undefined` if the copy of `validators` is current.
 * @throws CapsuleError `DOWNLOAD`; the signal's reason; the errors of `take`.
 */
export async function httpDownload<T>(
  url: URL,
  options: DownloadOptions<T>,
): Promise<T | undefined> {
  const { signal, timeouts: { delaysMs } } = options;
  for (let retries = 0;; retries++) {
    try {
      return await attempt(url, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      const delayMs = delaysMs[retries];
      if (delayMs === undefined) {
        throw new CapsuleError("DOWNLOAD", `${error.message} (tried ${retries + 1} times)`, {
          cause: error,
        });
      }
      // The promise rejects with an error of its own, not with the signal's reason.
      await delay(Math.max(delayMs, error.waitMs), undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }
}

async function attempt<T>(
  url: URL,
  { take, validators, signal, timeouts, token }: DownloadOptions<T>,
): Promise<T | undefined> {
  const shown = shownUrl(url);
  const silence = new AbortController();
  const reasonOf = (error: unknown) =>
    silence.signal.aborted ? messageOf(silence.signal.reason) : fetchReason(error);
  using timeout = startTimeout(silence, timeouts.answerMs);

  let response: Response;
  try {
    response = await httpFetch(url, {
      headers: { ...conditions(validators), ...(token && { authorization: bearer(token) }) },
      signal: AbortSignal.any([signal, silence.signal]),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new TransientError(`cannot download ${shown}: ${reasonOf(error)}`, { cause: error });
  }
  if (response.status === 304 && validators) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw statusError(response, shown);
  }

  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of response.body ?? []) {
        timeout.restart(timeouts.idleMs);
        yield piece;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new TransientError(`the download of ${shown} broke off: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  };
  timeout.restart(timeouts.idleMs);
  try {
    return await take({
      stream: pieces(),
      size: sizeOf(response),
      etag: response.headers.get("etag") ?? undefined,
      lastModified: response.headers.get("last-modified") ?? undefined,
    });
  } finally {
    // For a `take` that failed before it read: once it reads, ending its loop cancels the body.
    await response.body?.cancel().catch(() => {});
  }
}

function statusError({ status, statusText, headers }: Response, shown: string): CapsuleError {
  const message = `cannot download ${shown}: the server responded with ${status} ${statusText}`
    .trimEnd();
  if (!transientStatuses.includes(status)) return new DownloadRefused(status, message);
  const retryAfterMs = 1000 * Number(headers.get("retry-after")) || 0;
  return new TransientError(message, { waitMs: Math.min(maxRetryAfterMs, retryAfterMs) });
}

function sizeOf({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

function conditions(validators: Validators | undefined): Record<string, string> {
  return {
    accept: "application/wasm, */*;q=0.1",
    // The size of a compressed body is unknown, and the progress bar shows it.
    "accept-encoding": "identity",
    ...(validators?.etag && { "if-none-match": validators.etag }),
    ...(validators?.lastModified && { "if-modified-since": validators.lastModified }),
  };
}

/** Aborts the controller unless it is restarted or disposed of in time. */
function startTimeout(
  controller: AbortController,
  ms: number,
): Disposable & { restart(ms: number): void } {
  const start = (ms: number) =>
    setTimeout(() => controller.abort(new Error(`no data for ${ms / 1000} s`)), ms);
  let timer = start(ms);
  return {
    restart(ms) {
      clearTimeout(timer);
      timer = start(ms);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
