/**
 * A path as the person wrote it, made absolute. `node:path` does the same and more, and would cost a cli call 5 ms to load.
 */
export function absolutePath(path: string, cwd: string): string {
  const isAbsolute = path.startsWith("/") ||
    (Deno.build.os === "windows" && /^(?:[A-Za-z]:)?[\\/]/.test(path));
  return isAbsolute ? path : `${cwd}/${path.replace(/^(?:\.\/)+/, "")}`;
}
