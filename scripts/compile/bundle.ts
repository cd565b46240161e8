import type { Build } from "../../src/base/build.ts";
import config from "../../deno.json" with { type: "json" };
import { mustRun, root } from "./run.ts";

/** The entry points of threads. Each is started by its file name in the same folder. */
const threads = ["src/modes/http_thread.ts", "src/store/checkpoint_worker.ts"];

/**
 * The unstable features that the program needs at run time. The bundler resolves raw imports; with
 * `lazy-dynamic-imports`, `deno compile` would leave out every mode.
 */
export const runtimeFeatures = config.unstable
  .filter((name) => name !== "raw-imports" && name !== "lazy-dynamic-imports");

/** The folder of the bundle. */
export const bundleFolder = `${root}dist/bundle/`;

/**
 * Bundles the program and its packages: one file for what every start needs, and one for each part
 * that is loaded on first use. They are in one folder, so that `new URL("./…", import.meta.url)`
 * has the same meaning in each.
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
    // Error classes keep their names, and stacks stay readable.
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

/** Files of `bundleFolder` that the program needs and `main.js` does not import. */
export const included: readonly string[] = [...threads.map(nameOf), "build.json"];

/** The addon in `bundleFolder`, for a program that cannot carry it before its data. */
export const addonFile = "couchbase.node.zst";

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
