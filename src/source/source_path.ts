/**
 * Returns the path of the file that records where the module at `path` came from. It is one of the
 * launcher's own files: no guest may read it. A file of its own, because every start loads it.
 */
export function sourcePath(path: string): string {
  return `${path}.source.json`;
}
