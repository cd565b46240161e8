import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Output } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { parseSha256 } from "./digest.ts";
import { defaultDownloadTimeouts, type DownloadTimeouts, httpDownload } from "./http_download.ts";
import { progressBar } from "./progress_bar.ts";
import { saveModule, type SaveOptions } from "./save_module.ts";
import { noteSource, savedCopy, sha256OfFile, shownUrl } from "./saved_copy.ts";

/** Options of `fetchModule`: `-url`, `-wasm` and `-sha256`, and parts of the process. */
export interface FetchModuleOptions {
  url: string;
  /** The path at which the module is saved. */
  path: string;
  /** The digest that it must have: 64 hexadecimal digits, with or without `sha256:`. */
  sha256?: string;
  /** Shows a progress bar if it is a terminal. */
  stderr: Output;
  log: Log;
  timeouts?: DownloadTimeouts;
}

/** The outcome of a fetch. */
export type FetchOutcome = "downloaded" | "unchanged" | "saved copy";

/**
 * Makes the module of a URL available at a path. The request is conditional on the copy saved
 * there earlier; if the server is unavailable, or responds with anything but a whole module, that
 * copy is used, with a warning. With `sha256`, a file of that digest is used without a request.
 * After an error, the file that was at the path is unchanged.
 *
 * @throws CapsuleError `URL`, `DOWNLOAD`, `NOT_A_MODULE`, `DIGEST`, `SAVE`; `INTERRUPTED` on SIGINT
 * or SIGTERM.
 */
export async function fetchModule(options: FetchModuleOptions): Promise<FetchOutcome> {
  const { path, stderr } = options;
  const url = parseUrl(options.url);
  const sha256 = options.sha256 === undefined ? undefined : readSha256(options.sha256);
  if (sha256 !== undefined && await sha256OfFile(path) === sha256) return "unchanged";

  const bar = await progressBar(stderr, shownUrl(url));
  try {
    const save: SaveOptions = { path, sha256, name: shownUrl(url), onBytes: bar.add };
    switch (url.protocol) {
      case "http:":
      case "https:": {
        using interruption = untilInterrupted();
        const { signal } = interruption;
        const outcome = await fetchOverHttp(url, { ...options, save, signal, start: bar.start });
        // A signal after the last byte: the module stays, and the program ends all the same.
        signal.throwIfAborted();
        return outcome;
      }
      case "file:":
        return await copyFile(url, save);
      default:
        throw new CapsuleError(
          "URL",
          `cannot fetch ${
            shownUrl(url)
          }: the scheme must be http:, https: or file:, not "${url.protocol}"`,
        );
    }
  } finally {
    bar.stop();
  }
}

/** Options of a fetch from a server. */
interface HttpFetchOptions extends FetchModuleOptions {
  save: SaveOptions;
  signal: AbortSignal;
  start: (totalBytes: number | undefined) => void;
}

async function fetchOverHttp(
  url: URL,
  { path, log, timeouts = defaultDownloadTimeouts, save, signal, start }: HttpFetchOptions,
): Promise<FetchOutcome> {
  // A copy without the required digest cannot stand in.
  const validators = save.sha256 === undefined ? await savedCopy(path, url) : undefined;
  try {
    const saved = await httpDownload(url, {
      signal,
      timeouts,
      validators,
      async take({ stream, size, etag, lastModified }) {
        start(size);
        return { ...await saveModule(stream, save), etag, lastModified };
      },
    });
    if (saved === undefined) return "unchanged";
    await noteSource(path, url, saved).catch((error: unknown) =>
      log.warn(
        `cannot record the source of ${path}, so the next start downloads it again: ${
          messageOf(error)
        }`,
      )
    );
    return "downloaded";
  } catch (error) {
    const isReplaceable = error instanceof CapsuleError &&
      ["DOWNLOAD", "NOT_A_MODULE"].includes(error.code);
    if (!isReplaceable || validators === undefined) throw error;
    log.warn(`${error.message}; starting with the copy saved earlier at ${path}`);
    return "saved copy";
  }
}

async function copyFile(url: URL, save: SaveOptions): Promise<FetchOutcome> {
  const from = fileURLToPath(url);
  if (resolve(from) === resolve(save.path)) return "unchanged";
  let file: Deno.FsFile;
  try {
    file = await Deno.open(from);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file" : messageOf(error);
    throw new CapsuleError("DOWNLOAD", `cannot read ${shownUrl(url)}: ${reason}`, { cause: error });
  }
  await saveModule(file.readable, save);
  return "downloaded";
}

/** @throws CapsuleError `URL` */
function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    const rule = "it begins with http://, https:// or file://";
    throw new CapsuleError("URL", `-url="${text}" is not a URL: ${rule}`, { cause: error });
  }
}

/** @throws CapsuleError `DIGEST` */
function readSha256(text: string): string {
  const sha256 = parseSha256(text);
  if (sha256 !== undefined) return sha256;
  throw new CapsuleError(
    "DIGEST",
    `-sha256="${text}" is not a SHA-256 digest: it has 64 hexadecimal digits`,
  );
}

/** Returns a signal that SIGINT and SIGTERM abort, so that a download can clean up. */
function untilInterrupted(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const listeners = names.map((name) => ({
    name,
    listener: () =>
      controller.abort(new CapsuleError("INTERRUPTED", `the download was stopped by ${name}`)),
  }));
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}
