import assert from "node:assert/strict";
import { commandsToTry } from "../../src/modes/commands_to_try.ts";

/** What a shell hands to curl, a line for each word. */
async function words(command: string, env: Record<string, string> = {}): Promise<string[]> {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  const { stdout, success } = await new Deno.Command("sh", { args: ["-euc", script], env })
    .output();
  assert.ok(success, command);
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

Deno.test("commandsToTry: curl receives any token and path unchanged", async () => {
  const token = `it's "$HOME" \`id\` \\ é`.replaceAll(" ", "_");
  const text = commandsToTry({
    registryUrl: "http://localhost:1",
    proxyUrl: "http://localhost:2",
    workerUrl: "http://localhost:3",
    token,
    wasm: `/tmp/it's; "a", $b\\c/hello.wasm`,
  });
  const authorization = `Authorization: Bearer ${token}`;
  assert.deepEqual(await words(text), [
    ...["-H", authorization, "-F", `file=@"/tmp/it's; \\"a\\", $b\\\\c/hello.wasm"`],
    "http://localhost:1/upload/me/hello/0.0.0",
    ...["-H", authorization, "-d"],
    '{"function":"hello","revision":"blue","downloadUrl":"http://localhost:1/me/hello/0.0.0/hello.wasm"}',
    "http://localhost:3/functions/deploy",
    ...["-d", "Bob", "http://localhost:2/functions/hello/blue"],
    ...["-H", authorization, "http://localhost:3/functions/list"],
  ]);
});

Deno.test("commandsToTry: without a token they read it from the shell's environment", async () => {
  const url = "http://localhost:1";
  const text = commandsToTry({
    registryUrl: url,
    proxyUrl: url,
    workerUrl: url,
    token: undefined,
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
    token: "t",
    wasm: "./.capsule/hello.wasm",
  });
  assert.ok(text.includes(" -F file=@./.capsule/hello.wasm http"), text);
  assert.equal(text.match(/^curl /gm)?.length, 4);
});
