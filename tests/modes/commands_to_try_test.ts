import assert from "node:assert/strict";
import { commandsToTry } from "../../src/modes/commands_to_try.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/** Returns the arguments that a shell passes to curl. */
async function words(command: string, env: Record<string, string> = {}): Promise<string[]> {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  const { stdout, success } = await new Deno.Command("sh", { args: ["-euc", script], env })
    .output();
  assert.ok(success, command);
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

Deno.test("commandsToTry: curl receives the token of a file and any path unchanged", async () => {
  using folder = new TemporaryFolder();
  const token = `it's_"$HOME"_\`id\`_\\_é`;
  folder.write("inside/a 'token'", `${token}\n`);
  const text = commandsToTry({
    registryUrl: "http://localhost:1",
    proxyUrl: "http://localhost:2",
    workerUrl: "http://localhost:3",
    tokenFile: `${folder.inside}/a 'token'`,
    wasm: `/tmp/it's; "a", $b\\c/hello.wasm`,
  });
  const authorization = `Authorization: Bearer ${token}`;
  assert.doesNotMatch(text, /HOME/);
  assert.deepEqual(await words(text, { PATH: Deno.env.get("PATH") ?? "" }), [
    ...["-H", authorization, "-F", `file=@"/tmp/it's; \\"a\\", $b\\\\c/hello.wasm"`],
    "http://localhost:1/upload/me/hello/0.0.0",
    ...["-H", authorization, "-d"],
    '{"function":"hello","revision":"blue","downloadUrl":"http://localhost:1/me/hello/0.0.0/hello.wasm"}',
    "http://localhost:3/functions/deploy",
    ...["-d", "Bob", "http://localhost:2/functions/hello/blue"],
    ...["-H", authorization, "http://localhost:3/functions/list"],
  ]);
});

Deno.test("commandsToTry: without a file they read the token from the environment", async () => {
  const url = "http://localhost:1";
  const text = commandsToTry({
    registryUrl: url,
    proxyUrl: url,
    workerUrl: url,
    tokenFile: undefined,
    wasm: "a",
  });
  const [flag, header] = await words(text, { CAPSULE_ADMIN_TOKEN: "s3cret 'token'" });
  assert.deepEqual([flag, header], ["-H", "Authorization: Bearer s3cret 'token'"]);
});

Deno.test("commandsToTry: quotes only what needs quotes", () => {
  const text = commandsToTry({
    registryUrl: "http://localhost:4999",
    proxyUrl: "http://localhost:8888",
    workerUrl: "http://localhost:9999",
    tokenFile: "./.capsule/token",
    wasm: "./.capsule/hello.wasm",
  });
  assert.ok(text.includes(" -F file=@./.capsule/hello.wasm http"), text);
  assert.equal(text.match(/^curl /gm)?.length, 4);
});
