import { CapsuleError, messageOf } from "../base/errors.ts";
import { absolutePath, type Io } from "../base/io.ts";
import { createGuestFiles, type GuestFiles } from "../files/guest_files.ts";
import { openFolder } from "../files/folder.ts";
import { sourcePath } from "../source/source_path.ts";
import { databasePath } from "../store/settings.ts";
import type { Preopen } from "../wasi/wasi.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** Returns the files that `ReadFile` and `WriteFile` reach. */
export function grantedFiles(options: RunnerOptions, io: Pick<Io, "cwd">): GuestFiles {
  const { folders, allowRead, allowWrite, sandbox } = options.grants;
  return createGuestFiles({
    cwd: io.cwd(),
    dirs: folders,
    allowRead,
    allowWrite,
    ownFiles: launcherFiles(options, io),
    sandbox,
  });
}

/**
 * Returns the preopened directories of WASI.
 *
 * @throws CapsuleError `DIR` for one that is missing: the guest would fail only at its first use.
 */
export function preopensOf(
  options: Omit<RunnerOptions, "blueprint">,
  io: Pick<Io, "cwd">,
): Preopen[] {
  const ownFiles = launcherFiles(options, io);
  return options.grants.folders.map(({ host, guest }) => {
    assertFolder(host);
    return { guest, open: () => openFolder(host, ownFiles) };
  });
}

function assertFolder(host: string): void {
  try {
    if (Deno.statSync(host).isDirectory) return;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    const why = isMissing ? "there is no such folder" : messageOf(error);
    throw new CapsuleError("DIR", `cannot grant -dir=${host}: ${why}`);
  }
  throw new CapsuleError("DIR", `cannot grant -dir=${host}: it is not a folder`);
}

function launcherFiles(
  { grants: { ownFiles }, dataFolder }: Pick<RunnerOptions, "grants" | "dataFolder">,
  io: Pick<Io, "cwd">,
): string[] {
  const database = databasePath({ kind: "embedded", folder: dataFolder });
  const inDataFolder = [
    dataFolder,
    database,
    // Files that SQLite keeps beside its database.
    `${database}-wal`,
    `${database}-shm`,
    `${database}-journal`,
  ];
  return [
    ...ownFiles,
    ...ownFiles.map(sourcePath),
    ...inDataFolder.map((path) => absolutePath(path, io)),
  ];
}
