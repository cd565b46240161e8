import assert from "node:assert/strict";
import { tokenOfFile } from "../../src/server/token_file.ts";
import { refused } from "../testing/refused.ts";
import { memoryLog } from "./memory_log.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;

Deno.test("tokenOfFile: creates one token, which only its owner may read", () =>
  inFolder(async (folder) => {
    const path = `${folder}/token`;
    const { log, stderr } = memoryLog();
    const asking = Array.from({ length: 20 }, () => tokenOfFile(path, log));
    const tokens = new Set(await Promise.all(asking));
    assert.equal(tokens.size, 1, "concurrent callers get the same token");
    const [token = ""] = tokens;
    assert.match(token, /^[\w-]{43}$/);
    assert.equal(await Deno.readTextFile(path), `${token}\n`);
    if (Deno.build.os !== "windows") assert.equal(await modeOf(path), 0o600);
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["token"]);
    assert.notEqual(await tokenOfFile(`${folder}/other`, log), token);
    assert.equal(stderr(), "");
  }));

Deno.test("tokenOfFile: returns a token of the user, refuses a text that is not one", () =>
  inFolder(async (folder) => {
    const path = `${folder}/token`;
    const { log } = memoryLog();
    await Deno.writeTextFile(path, "my-own-secret-token\r\n", { mode: 0o600 });
    assert.equal(await tokenOfFile(path, log), "my-own-secret-token");
    for (const text of ["", "short", "two words of a secret", "not-ascii-but-long-é"]) {
      await Deno.writeTextFile(path, text);
      await refused(
        tokenOfFile(path, log),
        "TOKEN",
        /token as a token: it has no token of .*; remove it to get a new one$/,
      );
    }
    await refused(
      tokenOfFile(`${folder}/no/token`, log),
      "TOKEN",
      /^cannot keep a token in .*no\/token: /,
    );
  }));

Deno.test({
  name: "tokenOfFile: warns of a file that others could read, and makes it private",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/token`;
      const { log, stderr } = memoryLog();
      await Deno.writeTextFile(path, "my-own-secret-token\n");
      await Deno.chmod(path, 0o644);
      await tokenOfFile(path, log);
      assert.match(
        stderr(),
        /^warning: others could read .*token \(mode 0644, now 0600\): remove it/,
      );
      assert.equal(await modeOf(path), 0o600);
      const after = memoryLog();
      await tokenOfFile(path, after.log);
      assert.equal(after.stderr(), "");
    }),
});

Deno.test({
  name: "tokenOfFile: refuses a file that others could have written",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/token`;
      const { log } = memoryLog();
      await Deno.writeTextFile(path, "my-own-secret-token\n");
      await Deno.chmod(path, 0o620);
      await refused(tokenOfFile(path, log), "TOKEN", /others could write it \(mode 0620\)/);
    }),
});

Deno.test({
  name: "tokenOfFile: refuses a file or a link of another user",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      const [path, link] = [`${folder}/token`, `${folder}/link`];
      const { log } = memoryLog();
      await Deno.writeTextFile(path, "my-own-secret-token\n", { mode: 0o600 });
      await Deno.symlink(path, link);
      assert.equal(await tokenOfFile(link, log), "my-own-secret-token");
      await new Deno.Command("chown", { args: ["-h", "12345", link] }).output();
      await refused(tokenOfFile(link, log), "TOKEN", /belongs to user 12345, .* as user 0; remove/);
      await Deno.chown(path, 12345, null);
      await refused(tokenOfFile(path, log), "TOKEN", /belongs to user 12345, .* as user 0; remove/);
    }),
});
