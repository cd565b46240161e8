import assert from "node:assert/strict";
import { FileError } from "../../src/files/file_error.ts";
import { createGuestFiles } from "../../src/files/guest_files.ts";
import type { Kernel } from "../../src/files/kernel.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/**
 * Reads and writes below a folder that another process swaps for a link that leaves, until `isEnough` (or 400,000
 * turns), and asserts that nothing outside was read or made. Answers how many turns got through and how many did not.
 */
export async function race(
  kernel: Kernel,
  isEnough: (passed: number, refused: number) => boolean,
): Promise<void> {
  using folder = new TemporaryFolder();
  folder.write("inside/swap/sub/decoy", "inside");
  folder.write("outside/sub/decoy", "outside");
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
    () => kernel,
  );
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
    for (let turn = 0; turn < 400_000 && !isEnough(passed, refused); turn++) {
      attempt(() => assert.equal(decoder.decode(files.readFile("swap/sub/decoy")), "inside"));
      attempt(() => files.writeFile(`swap/sub/made`, new Uint8Array(1)));
      attempt(() => files.writeFile(`swap/new`, new Uint8Array(1)));
    }
    assert.deepEqual([...Deno.readDirSync(folder.at("outside"))].map(({ name }) => name), ["sub"]);
    assert.deepEqual([...Deno.readDirSync(folder.at("outside/sub"))].map(({ name }) => name), ["decoy"]);
    assert.ok(passed > 0 && refused > 0, `no race took place: ${passed} passed, ${refused} refused`);
  } finally {
    files.close();
    await swapper.stdin.close();
    await swapper.status;
    await output.cancel();
  }
}
