import assert from "node:assert/strict";
import { isLauncherSecret } from "../../src/host/env.ts";

Deno.test("isLauncherSecret: reports the launcher's settings and every variable with a login", () => {
  const rows: [name: string, value: string, isSecret: boolean][] = [
    ["CAPSULE_ADMIN_TOKEN", "t", true],
    ["CAPSULE_MODE", "http", true],
    ["REDIS_PWD", "p", true],
    ["REDIS_ADDR", "redis://u:p@h", true],
    ["REDIS_ADDR", "h:6379", false],
    ["HTTP_PROXY", "http://u:p@proxy:3128", true],
    ["https_proxy", "u:p@proxy:3128", true],
    ["ALL_PROXY", "socks5://u:p@proxy", true],
    ["HTTP_PROXY", "http://proxy:3128", false],
    ["MAIL", "me@example.org", false],
  ];
  for (const [name, value, isSecret] of rows) {
    assert.equal(isLauncherSecret(name, value), isSecret, `${name}=${value}`);
  }
});
