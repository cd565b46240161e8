import { bearer } from "../base/headers.ts";
import { CapsuleError, fetchReason, messageOf } from "../base/errors.ts";
import { shownUrl, type Validators } from "./saved_copy.ts";

/** How patient a download is. */
export interface DownloadTimeouts {
  /** Until the answer begins: connecting, redirects and waiting together. */
  answerMs: number;
  /** Between two pieces of the answer. */
  idleMs: number;
  /** Waits before the second, third, … try. */
  delaysMs: readonly number[];
}

/** Three tries, and half a minute for a server to say something. */
export const defaultDownloadTimeouts: DownloadTimeouts = {
  answerMs: 30_000,
  idleMs: 30_000,
  delaysMs: [500, 2000],
};

/** What comes from a URL. */
export interface Arrival extends Validators {
  stream: AsyncIterable<Uint8Array>;
  /** Of the stream; unknown when the server does not say, or compressed it. */
  size?: number;
}

/** One download. */
export interface DownloadOptions<T> {
  /** Takes the stream in; called again, from the start, when an earlier try broke off. */
  take: (arrival: Arrival) => Promise<T>;
  /** Of a copy that is there: the server may answer that it has not changed. */
  validators?: Validators;
  signal: AbortSignal;
  timeouts: DownloadTimeouts;
  /** The secret that the server asks for; where it redirects to another one, that one is not shown it. */
  token?: string;
}

/** The server answered, and had no module to give. Code `DOWNLOAD`. */
export class DownloadRefused extends CapsuleError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("DOWNLOAD", message);
    this.name = "DownloadRefused";
    this.status = status;
  }
}

/** A try that failed in a way that another one may not. */
class Transient extends CapsuleError {
  readonly waitMs: number;

  constructor(message: string, { waitMs = 0, cause }: { waitMs?: number; cause?: unknown } = {}) {
    super("DOWNLOAD", message, { cause });
    this.waitMs = waitMs;
  }
}

/** Statuses that say "later". @see https://www.rfc-editor.org/rfc/rfc9110#name-status-codes */
const laterStatuses = [408, 429, 500, 502, 503, 504];
/** The longest `Retry-After` that is honoured; a server that asks for more counts as unavailable. */
const maxWaitMs = 10_000;

/**
 * Downloads with GET, redirects followed, trying again after network errors and statuses that mean "later".
 *
 * @returns what `take` made of it, or `undefined` when the copy that `validators` describe is still the one.
 * @throws CapsuleError `DOWNLOAD`; the signal's reason; the errors of `take`.
 */
export async function httpDownload<T>(
  url: URL,
  options: DownloadOptions<T>,
): Promise<T | undefined> {
  const { signal, timeouts: { delaysMs } } = options;
  for (let tries = 0;; tries++) {
    try {
      return await attempt(url, options);
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = delaysMs[tries];
      if (!(error instanceof Transient)) throw error;
      if (delayMs === undefined) {
        throw new CapsuleError("DOWNLOAD", `${error.message} (tried ${tries + 1} times)`, {
          cause: error,
        });
      }
      await wait(Math.max(delayMs, error.waitMs), signal);
    }
  }
}

async function attempt<T>(
  url: URL,
  { take, validators, signal, timeouts, token }: DownloadOptions<T>,
): Promise<T | undefined> {
  const shown = shownUrl(url);
  const silent = new AbortController();
  const why = (error: unknown) =>
    silent.signal.aborted ? messageOf(silent.signal.reason) : fetchReason(error);
  using clock = watch(silent, timeouts.answerMs);

  let response: Response;
  try {
    response = await fetch(url, {
      headers: { ...conditions(validators), ...(token && { authorization: bearer(token) }) },
      signal: AbortSignal.any([signal, silent.signal]),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Transient(`cannot download ${shown}: ${why(error)}`, { cause: error });
  }
  if (response.status === 304 && validators) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) {
    await response.body?.cancel();
    const message =
      `cannot download ${shown}: the server answers ${response.status} ${response.statusText}`
        .trimEnd();
    if (!laterStatuses.includes(response.status)) {
      throw new DownloadRefused(response.status, message);
    }
    throw new Transient(message, {
      waitMs: Math.min(maxWaitMs, 1000 * Number(response.headers.get("retry-after")) || 0),
    });
  }

  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of response.body ?? []) {
        clock.restart(timeouts.idleMs);
        yield piece;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new Transient(`the download of ${shown} broke off: ${why(error)}`, { cause: error });
    }
  };
  clock.restart(timeouts.idleMs);
  const length = Number(response.headers.get("content-length") ?? NaN);
  try {
    return await take({
      stream: pieces(),
      size: Number.isNaN(length) || response.headers.has("content-encoding") ? undefined : length,
      etag: response.headers.get("etag") ?? undefined,
      lastModified: response.headers.get("last-modified") ?? undefined,
    });
  } finally {
    // For a `take` that failed before it had read anything; what it had begun is cancelled by its loop's end.
    await response.body?.cancel().catch(() => {});
  }
}

function conditions(validators: Validators | undefined): Record<string, string> {
  // A module compresses to a half, but then nobody knows its size before it is there.
  const headers = { accept: "application/wasm, */*;q=0.1", "accept-encoding": "identity" };
  return {
    ...headers,
    ...(validators?.etag && { "if-none-match": validators.etag }),
    ...(validators?.lastModified && { "if-modified-since": validators.lastModified }),
  };
}

/** Aborts when nothing restarts it for that long. */
function watch(silent: AbortController, ms: number): Disposable & { restart(ms: number): void } {
  const start = (ms: number) =>
    setTimeout(() => silent.abort(new Error(`nothing came for ${ms / 1000} s`)), ms);
  let timer = start(ms);
  return {
    restart(ms) {
      clearTimeout(timer);
      timer = start(ms);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
