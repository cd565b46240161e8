/**
 * `deno task compile`: writes `dist/capsule`, one file that runs on this machine without Deno. With `-- --all` it also writes
 * one for each system of `compile/targets.ts`, and `dist/SHA256SUMS`.
 *
 * The running Deno writes them, if the base that `deno compile` writes on is here or can be fetched. Where Deno's download
 * host cannot be reached, the Deno of `compile_base.sh` does: an older one, for which a base can be had elsewhere.
 */
import { createHash } from "node:crypto";
import { packAddon } from "./compile/addon.ts";
import { addonFile, bundleFolder, included, writeBundle } from "./compile/bundle.ts";
import { carryBefore } from "./compile/carry.ts";
import { NoBase, writeProgram } from "./compile/program.ts";
import { root, run } from "./compile/run.ts";
import { headerBytes, type Target, targets, tripleOf } from "./compile/targets.ts";

/**
 * Writes the program for a target, and gives it its name once its own header says what it is.
 *
 * @returns the version of the Deno inside.
 * @throws NoBase; Error when anything else fails.
 */
async function compile(target: Target, commit: string): Promise<string> {
  const { packed, sha256 } = await packAddon(target.platform);
  await writeBundle({ commit, couchbase: { packedBytes: packed.length, sha256 } });
  // `deno compile` adds `.exe` for Windows to a name without it.
  const output = `${root}dist/new-${target.file}`;
  let version = await writeProgram({
    triple: target.triple,
    output,
    folder: bundleFolder,
    included,
  });
  if (!await carryBefore(output, packed)) {
    await Deno.writeFile(bundleFolder + addonFile, packed);
    version = await writeProgram({
      triple: target.triple,
      output,
      folder: bundleFolder,
      included: [...included, addonFile],
    });
  }
  const file = await Deno.open(output);
  const header = new Uint8Array(headerBytes);
  await file.read(header);
  file.close();
  const triple = tripleOf(header);
  if (triple !== target.triple) {
    throw new Error(
      `what was to be ${target.file} is for ${triple ?? "no system that is known here"}: ${output}`,
    );
  }
  await Deno.rename(output, `${root}dist/${target.file}`);
  return version;
}

/** The commit of the sources; `unknown` where they are no clone. */
async function commitOfSources(): Promise<string> {
  const words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
  const { success, stdout } = await run(words).catch(() => ({ success: false, stdout: "" }));
  return success ? stdout.trim() : "unknown";
}

async function say(file: string, version: string): Promise<void> {
  const { size } = await Deno.stat(`${root}dist/${file}`);
  console.log(`dist/${file}: ${(size / 2 ** 20).toFixed(0)} MiB, with Deno ${version} inside`);
}

/** The lines of `sha256sum`, which `sha256sum --check` reads. */
async function checksums(files: readonly string[]): Promise<string> {
  const lines = await Promise.all(files.map(async (file) => {
    const hash = createHash("sha256");
    for await (const chunk of (await Deno.open(`${root}dist/${file}`)).readable) hash.update(chunk);
    return `${hash.digest("hex")}  ${file}\n`;
  }));
  return lines.join("");
}

async function main(args: readonly string[]): Promise<number> {
  const words = args.filter((word) => word !== "--");
  if (words.some((word) => word !== "--all")) {
    console.error(`usage: deno task compile [-- --all]: got "${words.join(" ")}"`);
    return 2;
  }
  const here = targets.find(({ triple }) => triple === Deno.build.target);
  const wanted = words.length > 0 ? targets : targets.filter((target) => target === here);
  if (wanted.length === 0) {
    console.error(
      `no program is made for ${Deno.build.target}: there are ${
        targets.map(({ triple }) => triple).join(", ")
      }`,
    );
    return 1;
  }
  const commit = await commitOfSources();
  const made: string[] = [];
  for (const target of wanted) {
    try {
      const version = await compile(target, commit);
      made.push(target.file);
      if (words.length > 0) await say(target.file, version);
      if (target !== here) continue;
      const name = Deno.build.os === "windows" ? "capsule.exe" : "capsule";
      await Deno.copyFile(`${root}dist/${target.file}`, `${root}dist/${name}`);
      await say(name, version);
    } catch (error) {
      if (!(error instanceof NoBase)) throw error;
      console.error(`dist/${target.file} is not made: ${error.message}`);
    }
  }
  if (words.length > 0) {
    await Deno.writeTextFile(`${root}dist/SHA256SUMS`, await checksums(made));
    console.log(`dist/SHA256SUMS: ${made.length} of ${targets.length} programs`);
  }
  return made.length > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
