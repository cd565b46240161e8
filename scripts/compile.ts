/**
 * `deno task compile`: writes `dist/capsule`, one file that runs on this machine without Deno. With
 * `-- --all` it also writes one for each target of `compile/targets.ts`, and `dist/SHA256SUMS`.
 *
 * `deno compile` needs a base runtime. If the running Deno has none and its download host cannot be
 * reached, the older Deno of `compile_base.sh` compiles, with a base from npm.
 */
import { createHash } from "node:crypto";
import { packAddon } from "./compile/addon.ts";
import { addonFile, bundleFolder, included, writeBundle } from "./compile/bundle.ts";
import { carryBefore } from "./compile/carry.ts";
import { NoBase, writeProgram } from "./compile/program.ts";
import { root, run } from "./compile/run.ts";
import { headerBytes, type Target, targets, tripleOf } from "./compile/targets.ts";

/**
 * Writes the program of a target and returns the version of its Deno. The program gets its name
 * once its header has been checked.
 *
 * @throws NoBase; Error if a command fails or the program is for another target.
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
      `${output} is for ${triple ?? "an unknown target"}, not for ${target.triple}`,
    );
  }
  await Deno.rename(output, `${root}dist/${target.file}`);
  return version;
}

/** Returns the commit of the sources; `unknown` outside of a clone. */
async function commitOfSources(): Promise<string> {
  const words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
  const { success, stdout } = await run(words).catch(() => ({ success: false, stdout: "" }));
  return success ? stdout.trim() : "unknown";
}

async function printSize(file: string, version: string): Promise<void> {
  const { size } = await Deno.stat(`${root}dist/${file}`);
  console.log(`dist/${file}: ${(size / 2 ** 20).toFixed(0)} MiB, with Deno ${version} inside`);
}

/** Returns the checksums in the format of `sha256sum --check`. */
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
  const selected = words.length > 0 ? targets : targets.filter((target) => target === here);
  if (selected.length === 0) {
    console.error(
      `there is no target ${Deno.build.target}: the targets are ${
        targets.map(({ triple }) => triple).join(", ")
      }`,
    );
    return 1;
  }
  const commit = await commitOfSources();
  const written: string[] = [];
  for (const target of selected) {
    try {
      const version = await compile(target, commit);
      written.push(target.file);
      if (words.length > 0) await printSize(target.file, version);
      if (target !== here) continue;
      const name = Deno.build.os === "windows" ? "capsule.exe" : "capsule";
      await Deno.copyFile(`${root}dist/${target.file}`, `${root}dist/${name}`);
      await printSize(name, version);
    } catch (error) {
      if (!(error instanceof NoBase)) throw error;
      console.error(`dist/${target.file} is not written: ${error.message}`);
    }
  }
  if (words.length > 0) {
    await Deno.writeTextFile(`${root}dist/SHA256SUMS`, await checksums(written));
    console.log(`dist/SHA256SUMS: ${written.length} of ${targets.length} programs`);
  }
  return written.length > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
