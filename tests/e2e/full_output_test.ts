import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, spawnCapsule } from "../testing/capsule.ts";
import { TextCollector } from "../testing/text_collector.ts";

const hello = (mode: "cli" | "http") =>
  `-wasm=${fileURLToPath(new URL(`../../examples/hello-${mode}/hello.wasm`, import.meta.url))}`;

/** `/dev/full` exists on Linux only. */
const ignore = Deno.build.os !== "linux";
const onto = (redirection: string) => ({ under: ["sh", "-c", `exec "$@" ${redirection}`, "sh"] });

Deno.test(
  "output: a full disk is reported in one line",
  { ignore },
  async () => {
    const said =
      "capsule: cannot write to standard output: No space left on device (os error 28)\n";
    for (const args of [["-version"], ["-mode=cli"], ["-mode=cli", hello("cli"), "logged first"]]) {
      const { code, stderr } = await runCapsule(args, onto(">/dev/full"));
      assert.equal(code, 1, stderr);
      assert.ok(stderr.endsWith(said) && !stderr.includes("bug"), stderr);
    }
    assert.equal((await runCapsule(["-mode=nonsense"], onto("2>/dev/full"))).code, 2);
  },
);

Deno.test("http: keeps serving when functions log to a full disk", { ignore }, async () => {
  for (const more of [[], ["-threads=2"]]) {
    const child = spawnCapsule(["-mode=http", "-httpPort=0", hello("http"), ...more], "null", {
      ...onto(">/dev/full"),
      env: { MESSAGE: "👋" },
    });
    const stdout = new TextCollector(child.stdout);
    const stderr = new TextCollector(child.stderr);
    try {
      const line = await stderr.line((line) => line.startsWith("serving "));
      const [url = ""] = line?.match(/http:\/\/\S+/) ?? [];
      for (let times = 0; times < 20; times++) {
        // A new connection may reach either thread.
        const answer = await fetch(url, { headers: { connection: "close" } });
        assert.equal(await answer.text(), '{"message": "hey people!"}', stderr.text);
        // Gives the log time to be written.
        assert.equal(await (await fetch(`${url}/health`)).text(), "OK");
      }
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal((await child.status).code, 0, stderr.text);
    await Promise.all([stdout.done, stderr.done]);
  }
});
