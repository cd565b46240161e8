/**
 * Enforces the arrows of `src/README.md`: a room imports only from the rooms that it knows. Prints each import that
 * breaks the rule and exits 1, or one line when all hold.
 */
export const rooms: Record<string, readonly string[]> = {
  base: [],
  options: ["base"],
  files: ["base"],
  store: ["base"],
  source: ["files", "base"],
  oci: ["source", "base"],
  prepare: ["base"],
  wasm: ["prepare", "base"],
  wasi: ["files", "wasm", "base"],
  abi: ["wasm", "base"],
  host: ["files", "store", "abi", "wasm", "base"],
  client: ["base"],
  supervision: ["base"],
  server: ["base"],
  function: [
    "server",
    "source",
    "prepare",
    "wasi",
    "host",
    "files",
    "store",
    "abi",
    "wasm",
    "base",
  ],
  runner: ["function", "source", "wasi", "host", "files", "store", "wasm", "base"],
  registry: ["oci", "server", "source", "base"],
  proxy: ["client", "server", "store", "source", "base"],
  worker: ["client", "supervision", "server", "store", "oci", "source", "base"],
};
const lower = Object.keys(rooms);
rooms.modes = lower;
rooms.cli = ["modes", "options", "store", "base"];

/**
 * Files of a room that others may reach against the arrows: the worker drives the proxy as its client and puts a server of the
 * proxy's kind before functions that sleep.
 */
const open: Record<string, readonly string[]> = {
  worker: ["proxy/admin/client.ts", "proxy/front.ts"],
};

const importPattern = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

/** Every import in `src` that its room is not allowed, as sentences. */
export async function forbiddenImports(src: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of sources(src)) {
    const room = path.slice(src.length + 1).split("/")[0] ?? "";
    const known = rooms[room];
    if (!known) {
      found.push(`${path}: "${room}" is no room of src/README.md`);
      continue;
    }
    for (const [, specifier = ""] of (await Deno.readTextFile(path)).matchAll(importPattern)) {
      const { pathname } = new URL(specifier, `file:///${path}`);
      if (!pathname.startsWith(`/${src}/`)) continue; // `deno.json`, which holds the version, is of no room
      const target = pathname.slice(src.length + 2);
      const other = target.split("/")[0] ?? "";
      if (other === room || known.includes(other) || open[room]?.includes(target)) continue;
      found.push(
        `${path}: room "${room}" may not import "${specifier}" (it knows ${
          known.join(", ") || "nothing"
        })`,
      );
    }
  }
  return found;
}

if (import.meta.main) {
  const found = await forbiddenImports("src");
  for (const line of found) console.error(line);
  if (found.length > 0) Deno.exit(1);
  console.log("imports: every room imports only what it knows");
}
