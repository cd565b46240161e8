/**
 * `deno run -A scripts/check_imports.ts`: enforces the map of `src/README.md`. A room imports only
 * from the rooms that it knows, no files import each other in a circle, type imports included, and
 * no two files export types with the same name. Prints what breaks a rule and exits with 1.
 */
/** Rooms, each with the rooms, or single files of rooms, that it knows. */
export const rooms: Record<string, readonly string[]> = {
  base: [],
  options: ["base"],
  files: ["base"],
  store: ["base"],
  source: ["files", "base"],
  oci: ["source", "base"],
  prepare: ["base"],
  wasm: ["prepare", "base"],
  component: ["prepare", "wasm", "base"],
  wasi: ["component", "files", "store", "wasm", "base"],
  abi: ["wasm", "base"],
  host: ["files", "store", "abi", "wasm", "base"],
  client: ["base"],
  supervision: ["base"],
  server: ["base"],
  http1: ["base"],
  function: [
    "http1",
    "server",
    "source",
    "prepare",
    "component",
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
  proxy: ["client", "http1", "server", "store", "source", "base"],
  worker: ["proxy/public.ts", "client", "supervision", "server", "store", "oci", "source", "base"],
};
const lower = Object.keys(rooms);
rooms.modes = lower;
rooms.cli = ["modes", "options", "store", "base"];

/** Each file of `src`, as `room/…/file.ts`, with the files that it imports in any way. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const importPattern = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** Reads the imports of all TypeScript files in a folder. */
export async function readImports(src: string): Promise<ImportGraph> {
  const graph = new Map<string, string[]>();
  for await (const file of typeScriptFiles(src)) {
    const text = await Deno.readTextFile(`${src}/${file}`);
    const targets = Array.from(
      text.matchAll(importPattern),
      ([, specifier = ""]) => new URL(specifier, `file:///src/${file}`).pathname,
    );
    graph.set(
      file,
      // `deno.json`, which holds the version, is in no room.
      targets.filter((path) => path.startsWith("/src/")).map((path) => path.slice(5)),
    );
  }
  return graph;
}

async function* typeScriptFiles(folder: string, below = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    if (isDirectory) yield* typeScriptFiles(folder, `${below}${name}/`);
    else if (/\.tsx?$/.test(name)) yield below + name;
  }
}

/** Returns a sentence for each import that the importing room is not allowed. */
export function forbiddenImports(graph: ImportGraph): string[] {
  const found: string[] = [];
  for (const [file, targets] of graph) {
    const room = roomOf(file);
    const known = rooms[room];
    if (!known) {
      found.push(`${file}: "${room}" is not a room of src/README.md`);
      continue;
    }
    for (const target of targets) {
      const other = roomOf(target);
      if (other === room || known.includes(other) || known.includes(target)) continue;
      const knows = known.join(", ") || "nothing";
      found.push(`${file}: room "${room}" may not import ${target} (it knows ${knows})`);
    }
  }
  return found;
}

const roomOf = (file: string): string => file.slice(0, Math.max(0, file.indexOf("/")));

/**
 * Returns the files of each circle: the strongly connected components of more than one file.
 *
 * @see https://en.wikipedia.org/wiki/Tarjan%27s_strongly_connected_components_algorithm
 */
export function importCircles(graph: ImportGraph): string[][] {
  const circles: string[][] = [];
  const indexes = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const index = indexes.size;
    indexes.set(file, index);
    stack.push(file);
    let lowest = index;
    for (const target of graph.get(file) ?? []) {
      const seen = indexes.get(target);
      if (seen === undefined) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, seen);
    }
    if (lowest === index) {
      const component = stack.splice(stack.indexOf(file));
      if (component.length > 1) circles.push(component.sort());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!indexes.has(file)) visit(file);
  return circles;
}

const typePattern = /^export (?:abstract )?(?:class|interface|type|enum) (\w+)/gm;

/** Returns a sentence for each name under which several files of a folder export a type. */
export async function sharedTypeNames(src: string): Promise<string[]> {
  const filesOf = new Map<string, string[]>();
  for await (const file of typeScriptFiles(src)) {
    const text = await Deno.readTextFile(`${src}/${file}`);
    for (const [, name = ""] of text.matchAll(typePattern)) {
      filesOf.set(name, [...filesOf.get(name) ?? [], file].sort());
    }
  }
  return Array.from(filesOf)
    .filter(([, files]) => files.length > 1)
    .map(([name, files]) => `${files.join(" and ")} export types with the same name: ${name}`);
}

if (import.meta.main) {
  const graph = await readImports("src");
  const forbidden = forbiddenImports(graph);
  const circles = importCircles(graph);
  for (const line of forbidden) console.error(line);
  const shared = await sharedTypeNames("src");
  for (const files of circles) console.error(`circle of imports: ${files.join(", ")}`);
  for (const line of shared) console.error(line);
  if (forbidden.length > 0 || circles.length > 0 || shared.length > 0) Deno.exit(1);
  console.log(
    "imports: each room imports what it knows, without circles, and no types share a name",
  );
}
