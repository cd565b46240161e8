import assert from "node:assert/strict";
import { tokenOfFile } from "../../src/server/token_file.ts";
import { refused } from "../testing/refused.ts";
import { memoryLog } from "./memory_log.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;

Deno.test("a token is made once, for its owner alone, and kept", () =>
  inFolder(async (folder) => {
    const path = `${folder}/token`;
    const { log, stderr } = memoryLog();
    const asking = Array.from({ length: 20 }, () => tokenOfFile(path, log));
    const tokens = new Set(await Promise.all(asking));
    assert.equal(tokens.size, 1, "all who start at the same time have the same one");
    const [token = ""] = tokens;
    assert.match(token, /^[\w-]{43}$/);
    assert.equal(await Deno.readTextFile(path), `${token}\n`);
    if (Deno.build.os !== "windows") assert.equal(await modeOf(path), 0o600);
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["token"]);
    assert.notEqual(await tokenOfFile(`${folder}/other`, log), token);
    assert.equal(stderr(), "");
  }));

Deno.test("a token of the person's own is taken; what is none, or cannot be kept, is told", () =>
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
        /token holds no token, .* remove it to get a new one$/,
      );
    }
    await refused(
      tokenOfFile(`${folder}/no/token`, log),
      "TOKEN",
      /^cannot keep a token in .*no\/token: /,
    );
  }));

Deno.test({
  name: "a token that others could read is theirs no more, and a warning says that they could",
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
