/**
 * `deno run -A scripts/preload.ts`: writes `src/cli/preload.ts` and `src/modes/preload.ts`.
 *
 * Deno sees the imports of a file when it has loaded that file, and so loads level by level. The
 * two files name all that a call from the command line loads, so that Deno loads it in one level
 * (bench: `cli`). The compiled program is a bundle and does not depend on them.
 */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Entry points in the order of loading, each with the list of what it loads. */
const entries = [
  { entry: "main.ts", path: "src/cli/preload.ts" },
  { entry: "src/modes/cli.ts", path: "src/modes/preload.ts" },
];

/** The text of a list, as it should be. */
export interface PreloadList {
  readonly path: string;
  readonly text: string;
}

/** Returns the lists for the present sources. */
export async function preloadLists(): Promise<PreloadList[]> {
  const loaded = new Set<string>();
  const lists: PreloadList[] = [];
  for (const { entry, path } of entries) {
    const files = (await filesOf(entry, path)).filter((file) => !loaded.has(file));
    for (const file of files) loaded.add(file);
    const imports = files.filter((file) => file !== entry).sort()
      .map((file) => `import "../${file.replace(/^src\//, "")}";\n`);
    lists.push({ path, text: `// Written by scripts/preload.ts.\n${imports.join("")}` });
  }
  return lists;
}

/**
 * Returns the files that an entry point imports at any depth, without lazy and type imports, and
 * without those that only its list imports.
 */
async function filesOf(entry: string, list: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: root,
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: {
      specifier: string;
      dependencies?: { code?: { specifier: string }; isDynamic?: boolean }[];
    }[];
  };
  const imports = new Map(modules.map(({ specifier, dependencies = [] }) => [
    specifier,
    dependencies.filter(({ isDynamic }) => !isDynamic).map(({ code }) => code?.specifier ?? ""),
  ]));
  const [first, skipped] = [entry, list].map((path) => new URL(`../${path}`, import.meta.url).href);
  const found = new Set([first ?? ""]);
  for (const file of found) {
    for (const target of imports.get(file) ?? []) {
      if (target.startsWith("file:") && target !== skipped) found.add(target);
    }
  }
  return Array.from(found, (url) => fileURLToPath(url).slice(root.length));
}

if (import.meta.main) {
  for (const { path, text } of await preloadLists()) await Deno.writeTextFile(root + path, text);
}
