import assert from "node:assert/strict";
import { FileError } from "../../src/files/file_error.ts";
import { Folder } from "../../src/files/folder.ts";
import { createGuestFiles } from "../../src/files/guest_files.ts";
import { type FileBackend, OpenFlags } from "../../src/files/file_backend.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/**
 * Uses every operation on paths below a folder that another process keeps swapping for a link that
 * leads out, until `isEnough` (or 400,000 rounds). Asserts that nothing outside was read, created,
 * changed or removed.
 */
export async function race(
  backend: FileBackend,
  isEnough: (passed: number, refused: number) => boolean,
): Promise<void> {
  using folder = new TemporaryFolder();
  folder.write("inside/swap/sub/decoy", "inside");
  folder.write("outside/sub/decoy", "outside");
  folder.link("outside", "outside/sub/link");
  folder.link("inside", "inside/swap/sub/link");
  folder.write("inside/mine", "mine");
  folder.link("../outside", "spare-link");
  const swapper = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("swapper.ts", import.meta.url).pathname, folder.path],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = swapper.stdout.getReader();
  const files = createGuestFiles(
    { cwd: folder.inside, dirs: [], ownFiles: [], sandbox: false },
    () => backend,
  );
  const below = new Folder(backend, backend.openRoot(folder.inside));
  const before = outside(folder);
  let [passed, refused] = [0, 0];
  const attempt = (call: () => void) => {
    try {
      call();
      passed++;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      refused++;
    }
  };
  try {
    await output.read();
    const decoder = new TextDecoder();
    for (let round = 0; round < 400_000 && !isEnough(passed, refused); round++) {
      attempt(() => assert.equal(decoder.decode(files.readFile("swap/sub/decoy")), "inside"));
      attempt(() => files.writeFile(`swap/sub/made`, new Uint8Array(1)));
      attempt(() => files.writeFile(`swap/new`, new Uint8Array(1)));
      for (const operate of operations) attempt(() => operate(below));
    }
    assert.deepEqual(outside(folder), before);
    assert.ok(
      passed > 0 && refused > 0,
      `no race took place: ${passed} passed, ${refused} refused`,
    );
  } finally {
    files.close();
    below.close();
    await swapper.stdin.close();
    await swapper.status;
    await output.cancel();
  }
}

/** Operations on a path through the swapped folder; each round runs all of them. */
const operations: readonly ((below: Folder) => void)[] = [
  (below) => below.makeFolder("swap/sub/made"),
  (below) => below.removeFolder("swap/sub/made"),
  (below) => below.symlink("decoy", "swap/sub/new-link"),
  (below) => below.unlink("swap/sub/new-link"),
  (below) => below.link("mine", below, "swap/sub/second"),
  (below) => below.unlink("swap/sub/second"),
  (below) => below.rename("mine", below, "swap/sub/mine"),
  (below) => below.rename("swap/sub/mine", below, "mine"),
  (below) => below.setTimes("swap/sub/decoy", { modify: 1n }, true),
  (below) => below.setTimes("swap/sub/decoy", { modify: 2n }, false),
  (below) => assert.equal(below.status("swap/sub/decoy", true).size, 6n),
  (below) => assert.equal(below.status("swap/sub/decoy", false).size, 6n),
  (below) => {
    const text = new Uint8Array(20);
    assert.equal(
      new TextDecoder().decode(text.subarray(0, below.readLink("swap/sub/link", text))),
      "inside",
    );
  },
  (below) => {
    const { handle } = below.open(
      "swap/sub/empty",
      OpenFlags.write | OpenFlags.create | OpenFlags.follow,
      {
        truncate: true,
      },
    );
    below.backend.close(handle);
  },
];

/** Returns names, contents and times of all files outside. */
function outside(folder: TemporaryFolder): unknown[] {
  const found: unknown[] = [];
  for (const path of ["outside", "outside/sub"]) {
    for (const { name, isFile } of Deno.readDirSync(folder.at(path))) {
      const { mtime, size } = Deno.lstatSync(folder.at(`${path}/${name}`));
      found.push([path, name, size, mtime, isFile && folder.read(`${path}/${name}`)]);
    }
  }
  return found.sort();
}
