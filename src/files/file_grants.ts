/** The files that the host functions `ReadFile` and `WriteFile` reach. */
export interface FileGrants {
  /** Absolute working directory: granted unless one of the lists below replaces it. */
  readonly cwd: string;
  /** Further folders: their path on this machine, and the guest's name for them. */
  readonly dirs: readonly { readonly host: string; readonly guest: string }[];
  /** Files and folders that may be read. Replaces the default. */
  readonly allowRead?: readonly string[];
  /** Files and folders that may be written. Replaces the default. */
  readonly allowWrite?: readonly string[];
  /** The launcher's own files, never opened, wherever they lie and under any name. */
  readonly ownFiles: readonly string[];
  /** Grants no file at all. */
  readonly sandbox: boolean;
  /** The largest file that is read, in bytes. Default: 256 MiB. */
  readonly maxReadBytes?: number;
}
