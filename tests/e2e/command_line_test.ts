import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { badCommandLines } from "../cli/bad_command_lines.ts";
import { capsuleCommand, runCapsule, startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("capsule: -version prints one line and exits with 0, in any folder", () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await runCapsule(["-version"], { cwd: folder });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(
      stdout,
      new RegExp(
        `^capsule ${config.version} \\((?:from sources|commit \\S+), deno \\S+, v8 \\S+, ${Deno.build.target}\\)\\n$`,
      ),
    );
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("capsule: an invalid command line is one line on stderr, exit code 2", async () => {
  for (
    const [args, message, env] of [badCommandLines[0], badCommandLines.at(-3)].filter((row) =>
      row !== undefined
    )
  ) {
    const { code, stdout, stderr } = await runCapsule(args, { env });
    assert.deepEqual({ code, stdout, stderr }, {
      code: 2,
      stdout: "",
      stderr: `capsule: ${message}\n`,
    });
  }
});

Deno.test("capsule: deno task start -- passes its flags on, and is printed as the next step", async () => {
  const task = async (...flags: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "start", "--", ...flags],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  const help = await task("-help", "-mode=http");
  assert.equal(help.code, 0, help.stderr);
  assert.match(help.stdout, /^usage: capsule -mode=http/m);
  const call = await task("-mode=cli", "é");
  assert.deepEqual([call.code, call.stdout], [0, "👋 Hello é 🌍\n"]);
  assert.match(call.stderr, /your own: deno task start -- -mode=cli -wasm=\.\/hello\.wasm\n$/);
});

Deno.test("capsule: a reader of its output that goes away is not an error", async () => {
  const [program, ...first] = capsuleCommand();
  const child = new Deno.Command(program, {
    args: [...first, "-help"],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const { code } = await child.status;
  const stderr = await new Response(child.stderr).text();
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("startCapsule: returns where the server listens, and stops it with exit code 0", async () => {
  await using server = await startCapsule(["-mode=http"]);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(server.ready.mode, "http");
  await (await fetch(server.url)).body?.cancel();
  assert.equal((await server.stop()).code, 0);
});

Deno.test("startCapsule: reports a failed start with the output of the process", async () => {
  await assert.rejects(startCapsule(["-httpPort=no"]), {
    message:
      /exit code 2 before it was ready\nstdout: \nstderr: capsule: -httpPort must be a whole number/,
  });
});
