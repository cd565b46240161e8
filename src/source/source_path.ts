/** The file that says where the module at `path` came from. It is the launcher's own: no guest may read it. */
export function sourcePath(path: string): string {
  return `${path}.source.json`;
}
