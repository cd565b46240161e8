import assert from "node:assert/strict";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/** Above the size of the caches that the runtime writes. The test file is sparse up to here. */
const limit = 64 * 1024 ** 2;

/** Writes 4 KiB across the limit and prints the bytes written, then the error of one more byte. */
const writer = `
import { Folder } from "${new URL("../../src/files/folder.ts", import.meta.url).href}";
import { OpenFlags } from "${new URL("../../src/files/file_backend.ts", import.meta.url).href}";
import { createLibcBackend } from "${
  new URL("../../src/files/libc_backend.ts", import.meta.url).href
}";
const backend = createLibcBackend({ openat2: true });
const { handle } = new Folder(backend, backend.openRoot(".")).open("big", OpenFlags.write | OpenFlags.create);
console.log(backend.writeAt(handle, new Uint8Array(4096), ${limit - 1024}n));
try {
  backend.writeAt(handle, new Uint8Array(1), ${limit}n);
} catch (error) {
  console.log(error.code);
}
`;

Deno.test({
  name: "libc backend: a write past RLIMIT_FSIZE is EFBIG, not the end of the process",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using folder = new TemporaryFolder();
    folder.write("writer.ts", writer);
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      // Blocks of 512 bytes.
      args: [
        "-c",
        `ulimit -f ${limit / 512}; exec "$0" run -A --no-check --no-lock --cached-only "$1"`,
        Deno.execPath(),
        folder.at("writer.ts"),
      ],
      cwd: folder.inside,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.equal(new TextDecoder().decode(stdout), "1024\nEFBIG\n");
  },
});
