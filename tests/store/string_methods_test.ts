import assert from "node:assert/strict";

Deno.test("with ioredis loaded, the methods of strings are as quick to find as before", async () => {
  const code = `
    const isFast = new Function("object", "return %HasFastProperties(object)");
    console.log(isFast(String.prototype));
    await import("ioredis");
    console.log(isFast(String.prototype));
    await import("./src/store/redis.ts");
    console.log(isFast(String.prototype));`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--v8-flags=--allow-natives-syntax", code],
    cwd: new URL("../..", import.meta.url).pathname,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  // Were ioredis itself to leave them as they are, ours would have no work.
  assert.equal(new TextDecoder().decode(stdout), "true\nfalse\ntrue\n");
});
