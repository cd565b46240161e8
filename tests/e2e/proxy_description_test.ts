import assert from "node:assert/strict";
import { config, fromConfig } from "../proxy/description.ts";
import { startCapsule } from "../testing/capsule.ts";
import { isInstalled } from "../testing/is_installed.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const hasCurl = await isInstalled("curl");

const json = `-H 'content-type: application/json; charset=utf-8'`;
const registerMorgen = `curl -v -X POST \\
  http://localhost:8888/memory/functions/registration \\
  ${json} \\
  -d '{"function": "morgen", "revision": "default", "url": "http://localhost:5050"}'`;
const removeMorgen = `curl -v -X DELETE \\
  http://localhost:8888/memory/functions/registration \\
  ${json} \\
  -d '{"function": "morgen"}'`;
const addBlue = `curl -v -X POST \\
  http://localhost:8888/memory/functions/morgen/revision \\
  ${json} \\
  -d '{"revision": "blue", "url": "http://localhost:5051"}'`;

/** Every command of the documentation in order, with `morgen` in the list afterwards. */
const steps: ReadonlyArray<readonly [command: string, message: string, morgen: unknown]> = [
  [registerMorgen, "Function created", { default: ["http://localhost:5050"] }],
  [
    `curl -v -X POST \\
  http://localhost:8888/memory/functions/registration \\
  ${json} \\
  -d '{"function": "morgen", "revision": "magenta", "url": "http://localhost:5051"}'`,
    "Function created",
    { default: ["http://localhost:5050"], magenta: ["http://localhost:5051"] },
  ],
  [removeMorgen, "Function removed", undefined],
  // The documentation: "The function already exists".
  [registerMorgen, "Function created", { default: ["http://localhost:5050"] }],
  [
    addBlue,
    "Revision added to the function",
    { blue: ["http://localhost:5051"], default: ["http://localhost:5050"] },
  ],
  [
    `curl -v -X DELETE \\
  http://localhost:8888/memory/functions/morgen/revision \\
  ${json} \\
  -d '{"revision": "blue"}'`,
    "Revision removed from the function",
    { default: ["http://localhost:5050"] },
  ],
  // The documentation: "The revision already exists."
  [
    addBlue,
    "Revision added to the function",
    { blue: ["http://localhost:5051"], default: ["http://localhost:5050"] },
  ],
  [
    `curl -v -X POST \\
  http://localhost:8888/memory/functions/morgen/blue/url \\
  ${json} \\
  -d '{"url": "http://localhost:5053"}'`,
    "URL added to the revision",
    {
      blue: ["http://localhost:5051", "http://localhost:5053"],
      default: ["http://localhost:5050"],
    },
  ],
  [
    `curl -v -X DELETE \\
  http://localhost:8888/memory/functions/morgen/blue/url \\
  ${json} \\
  -d '{"url": "http://localhost:5053"}'`,
    "URL removed from the revision",
    { blue: ["http://localhost:5051"], default: ["http://localhost:5050"] },
  ],
];

Deno.test({
  name: "proxy: every curl command of the 0.1.3 documentation has the documented result" +
    (hasCurl ? "" : " (skipped: curl is not installed here)"),
  // With CI set, curl is required.
  ignore: (!hasCurl && !Deno.env.get("CI")) || Deno.build.os === "windows",
  fn: async () => {
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/config.yaml`, config);
      await using proxy = await startCapsule(
        ["-mode=reverse-proxy", "-config=./config.yaml", "-backend=memory"],
        { cwd: folder },
      );
      const run = async (text: string) => {
        const here = text.replace("localhost:8888", `localhost:${new URL(proxy.url).port}`);
        const output = await new Deno.Command("sh", { args: ["-c", here], stdin: "null" }).output();
        const decoder = new TextDecoder();
        assert.ok(output.success, decoder.decode(output.stderr));
        return {
          status: decoder.decode(output.stderr),
          body: JSON.parse(decoder.decode(output.stdout)),
        };
      };
      const list = "curl -v http://localhost:8888/memory/functions/list";
      assert.deepEqual((await run(list)).body, fromConfig);
      for (const [command, message, morgen] of steps) {
        const { status, body } = await run(command);
        assert.match(status, /^< HTTP\/1\.1 202 Accepted/m);
        assert.deepEqual([body.code, body.message], ["OK", message]);
        assert.deepEqual((await run(list)).body, { ...fromConfig, ...(morgen ? { morgen } : {}) });
      }
    });
  },
});
