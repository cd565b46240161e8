import { CapsuleError, messageOf } from "../base/errors.ts";
import { absolutePath } from "../base/paths.ts";
import type { Io } from "../base/io.ts";
import { createGuestFiles, type GuestFiles } from "../files/guest_files.ts";
import { openFolder } from "../files/folder.ts";
import { sourcePath } from "../source/source_path.ts";
import { databasePath } from "../store/settings.ts";
import type { Preopen } from "../wasi/wasi.ts";
import type { RunnerOptions } from "./function_of.ts";

/** The files that `ReadFile` and `WriteFile` reach. */
export function grantedFiles(options: RunnerOptions, io: Io): GuestFiles {
  return createGuestFiles({
    cwd: io.cwd(),
    dirs: options.dir,
    allowRead: options.allowRead,
    allowWrite: options.allowWrite,
    ownFiles: launcherFiles(options, io),
    sandbox: options.sandbox,
  });
}

/**
 * The folders that WASI shows.
 *
 * @throws CapsuleError `DIR` for one that is not there: a guest would only be told so at its first look.
 */
export function grantedFolders(options: RunnerOptions, io: Io): Preopen[] {
  const ownFiles = launcherFiles(options, io);
  return options.dir.map(({ host, guest }) => {
    checkFolder(host);
    return { guest, open: () => openFolder(host, ownFiles) };
  });
}

function checkFolder(host: string): void {
  try {
    if (Deno.statSync(host).isDirectory) return;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    const why = isMissing ? "there is no such folder" : messageOf(error);
    throw new CapsuleError("DIR", `cannot grant -dir=${host}: ${why}`);
  }
  throw new CapsuleError("DIR", `cannot grant -dir=${host}: it is no folder`);
}

/** Files of the launcher itself, which no guest reaches wherever they lie. */
function launcherFiles(options: RunnerOptions, io: Io): string[] {
  const named = [
    options.wasm,
    options.wasm && sourcePath(options.wasm),
    options.data,
    ...databaseFiles(options.data),
    "crt" in options ? options.crt : undefined,
    "key" in options ? options.key : undefined,
  ];
  return named.filter((path) => path !== undefined).map((path) => absolutePath(path, io));
}

/** The embedded store's file, and those that SQLite keeps beside it. */
function databaseFiles(folder: string): string[] {
  const path = databasePath({ kind: "embedded", folder });
  return [path, `${path}-wal`, `${path}-shm`, `${path}-journal`];
}
