import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Output } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { defaultDownloadTimeouts, type DownloadTimeouts, httpDownload } from "./http_download.ts";
import { progressBar } from "./progress_bar.ts";
import { noteSource, savedCopy, sha256OfFile, shownUrl } from "./saved_copy.ts";
import { saveModule, type SaveOptions } from "./save_module.ts";

/** `-url=… -wasm=… -sha256=…`, and what a download needs of the world. */
export interface FetchOptions {
  url: string;
  /** Where the module is saved. */
  path: string;
  /** The digest that it must have: 64 hexadecimal digits, `sha256:` before them or not. */
  sha256?: string;
  /** Shows a progress bar when it is a terminal. */
  stderr: Output;
  log: Log;
  timeouts?: DownloadTimeouts;
}

/** How the module at the path came there. */
export type Fetched = "downloaded" | "unchanged" | "saved copy";

/**
 * Sees to it that the module of a URL lies at a path. It asks the server whether a copy saved earlier is still the one, and goes on with
 * that copy, with a warning, when the server is away or answers anything but a module. With `sha256`, a file of that digest is the module, and nobody is
 * asked. Whatever fails, the file that was there is as it was.
 *
 * @throws CapsuleError `URL`, `DOWNLOAD`, `NOT_A_MODULE`, `DIGEST`, `SAVE`, `INTERRUPTED` (by SIGINT or SIGTERM: nothing is left behind).
 */
export async function fetchModule(options: FetchOptions): Promise<Fetched> {
  const { path, stderr } = options;
  const url = parseUrl(options.url);
  const sha256 = options.sha256 === undefined ? undefined : parseSha256(options.sha256);
  if (sha256 !== undefined && await sha256OfFile(path) === sha256) return "unchanged";

  const bar = await progressBar(stderr, shownUrl(url));
  try {
    const save: SaveOptions = { path, sha256, name: shownUrl(url), onBytes: bar.add };
    switch (url.protocol) {
      case "http:":
      case "https:": {
        using interruption = untilInterrupted();
        const { signal } = interruption;
        const fetched = await fetchOverHttp(url, {
          ...options,
          sha256,
          save,
          signal,
          start: bar.start,
        });
        // A signal that came when all was downloaded: the module stays, the program ends all the same.
        signal.throwIfAborted();
        return fetched;
      }
      case "file:":
        return await copyFile(url, save);
      default:
        throw new CapsuleError(
          "URL",
          `cannot fetch ${
            shownUrl(url)
          }: a module comes by http:, https: or file:, not "${url.protocol}"`,
        );
    }
  } finally {
    bar.stop();
  }
}

/** What `fetchModule` has found out by the time it asks a server. */
interface HttpOptions extends FetchOptions {
  save: SaveOptions;
  signal: AbortSignal;
  start: (totalBytes: number | undefined) => void;
}

async function fetchOverHttp(
  url: URL,
  { path, sha256, log, timeouts = defaultDownloadTimeouts, save, signal, start }: HttpOptions,
): Promise<Fetched> {
  // A copy that does not have the digest asked for is no copy to go on with.
  const validators = sha256 === undefined ? await savedCopy(path, url) : undefined;
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
        `the next start downloads again, since where ${path} came from cannot be noted: ${
          messageOf(error)
        }`,
      )
    );
    return "downloaded";
  } catch (error) {
    if (!(error instanceof CapsuleError) || !["DOWNLOAD", "NOT_A_MODULE"].includes(error.code)) {
      throw error;
    }
    if (validators === undefined) throw error;
    log.warn(`${error.message}; starting with the copy saved earlier at ${path}`);
    return "saved copy";
  }
}

async function copyFile(url: URL, save: SaveOptions): Promise<Fetched> {
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
    throw new CapsuleError(
      "URL",
      `-url="${text}" is no URL: it begins with http://, https:// or file://`,
      {
        cause: error,
      },
    );
  }
}

/** @throws CapsuleError `DIGEST` */
function parseSha256(text: string): string {
  const digits = text.toLowerCase().replace(/^sha256:/, "");
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new CapsuleError(
    "DIGEST",
    `-sha256="${text}" is no SHA-256 digest: it has 64 hexadecimal digits`,
  );
}

/** A signal that SIGINT and SIGTERM abort, so that a download ends by cleaning up behind itself. */
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
