import type { Build } from "../../src/base/build.ts";
import config from "../../deno.json" with { type: "json" };
import { mustRun, root } from "./run.ts";

/** What threads of their own begin with, beside `main.ts`. Each is started by its name in the same folder. */
const threads = ["src/modes/http_thread.ts", "src/store/checkpoint_worker.ts"];

/**
 * The unstable features that the program itself needs. Of the others the bundler has made nothing remain; with
 * `lazy-dynamic-imports`, `deno compile` would leave out all that is imported when it is first used: every mode.
 */
export const runtimeFeatures = config.unstable
  .filter((name) => name !== "raw-imports" && name !== "lazy-dynamic-imports");

/** Where the bundle's files lie. */
export const bundleFolder = `${root}dist/bundle/`;

/**
 * Writes the program's modules, packages included, as few files of JavaScript: one for what every start needs, and one for each part
 * that is loaded when it is first used. All of them lie in one folder, so that `new URL("./…", import.meta.url)` means the
 * same from each.
 */
export async function writeBundle(build: Build): Promise<void> {
  await Deno.remove(bundleFolder, { recursive: true }).catch(() => {});
  const entries = `${bundleFolder}entries/`;
  await Deno.mkdir(entries, { recursive: true });
  for (const path of ["main.ts", ...threads]) {
    await Deno.writeTextFile(
      entries + nameOf(path),
      `import "../../../scripts/compile/node_globals.ts";\nimport "../../../${path}";\n`,
    );
  }
  await mustRun([
    ...[Deno.execPath(), "bundle", "--quiet", "--platform=deno", "--code-splitting", "--minify"],
    // An error's name is that of its class, and a bug's stack is read by people.
    "--keep-names",
    `--outdir=${bundleFolder}`,
    ...["main.ts", ...threads].map((path) => entries + nameOf(path)),
  ]);
  for (const path of threads) {
    const name = nameOf(path);
    await Deno.writeTextFile(bundleFolder + name, `import "./${name.replace(/ts$/, "js")}";\n`);
  }
  await Deno.writeTextFile(
    `${bundleFolder}deno.json`,
    JSON.stringify({ unstable: runtimeFeatures }),
  );
  await Deno.writeTextFile(`${bundleFolder}build.json`, JSON.stringify(build));
}

/** Files of `bundleFolder` that `main.js` does not import. */
export const included: readonly string[] = [...threads.map(nameOf), "build.json"];

/** Where in `bundleFolder` a program's addon lies, if it is to be one of the files that the program holds. */
export const addonFile = "couchbase.node.zst";

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
