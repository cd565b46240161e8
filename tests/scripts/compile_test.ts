import { deepStrictEqual, ok } from "node:assert/strict";
import { compileConfig, runtimeLock } from "../../scripts/compile.ts";

Deno.test("the compiled program's lock file names what main.ts reaches, and nothing of the tests", () => {
  const whole = {
    version: "5",
    specifiers: {
      "npm:@scope/used@^1.0.0": "1.2.0_peer@3.0.0",
      "npm:used@2": "2.0.0",
      "npm:test-only@1.0.0": "1.0.0",
    },
    npm: {
      "@scope/used@1.2.0_peer@3.0.0": { integrity: "a", dependencies: ["peer"] },
      "peer@3.0.0": { integrity: "b" },
      "used@2.0.0": { integrity: "c", dependencies: ["used-twice"] },
      "used-twice@1.0.0": { integrity: "d", dependencies: ["used"] },
      "test-only@1.0.0": { integrity: "e" },
    },
    workspace: { dependencies: ["npm:@scope/used@^1.0.0", "npm:used@2", "npm:test-only@1.0.0"] },
  };
  const lock = runtimeLock(whole, {
    modules: [
      { specifier: "file:///main.ts" },
      { specifier: "npm:/@scope/used@1.2.0_peer@3.0.0/part" },
      { specifier: "npm:/used@2.0.0" },
      {},
    ],
    npmPackages: {
      "@scope/used@1.2.0_peer@3.0.0": { dependencies: ["peer@3.0.0"] },
      "peer@3.0.0": { dependencies: [] },
      "used@2.0.0": { dependencies: ["used-twice@1.0.0"] },
      "used-twice@1.0.0": { dependencies: ["used@2.0.0"] },
      "test-only@1.0.0": { dependencies: [] },
    },
  });
  const { "test-only@1.0.0": _, ...npm } = whole.npm;
  deepStrictEqual(lock, {
    version: "5",
    specifiers: { "npm:@scope/used@^1.0.0": "1.2.0_peer@3.0.0", "npm:used@2": "2.0.0" },
    npm,
    workspace: { dependencies: ["npm:@scope/used@^1.0.0", "npm:used@2"] },
  });
});

Deno.test("the program is compiled without lazy imports, under which it would hold no mode at all", async () => {
  const settings = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  ok(settings.unstable.includes("lazy-dynamic-imports"));
  deepStrictEqual(compileConfig(settings), { ...settings, unstable: ["net", "no-legacy-abort"] });
});
