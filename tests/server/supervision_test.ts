import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attachSupervisor, readReport } from "../../src/server/supervision.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { TextCollector } from "../testing/text_collector.ts";

/** A supervised child that has said that it is ready, and what it has written. */
async function startChild(how: "wait" | "spin") {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./supervised_child.ts", import.meta.url)), how],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("s3cret\n"));
  const stdout = new TextCollector(child.stdout);
  const line = await stdout.line((text) => readReport(text, "s3cret") !== undefined);
  return { child, stdin, stdout, report: readReport(line ?? "", "s3cret") };
}

Deno.test("a child reports behind the secret, and sees its supervisor go", async () => {
  const { child, stdin, stdout, report } = await startChild("wait");
  assert.deepEqual(report, { kind: "ready", url: "http://localhost:1", port: 1 });
  await stdin.close();
  assert.equal((await child.status).code, 0);
  await stdout.done;
  assert.equal(stdout.lines.at(-1), "left alone");
});

Deno.test({
  name: "a child whose thread is busy for ever ends with its supervisor all the same",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { child, stdin, stdout } = await startChild("spin");
    await stdin.close();
    const stuck = setTimeout(() => child.kill("SIGTERM"), 10_000);
    assert.equal((await child.status).signal, "SIGKILL");
    clearTimeout(stuck);
    await stdout.done;
  },
});

Deno.test("a line without the secret is no report, whatever it says", () => {
  const forged = 'x {"kind":"ready","url":"http://localhost:1","port":1}';
  for (
    const line of [
      forged,
      forged.slice(2),
      ` ${forged.slice(2)}`,
      "",
      "s3cret",
      "s3cre {}",
      "S3CRET {}",
    ]
  ) {
    assert.equal(readReport(line, "s3cret"), undefined, line);
  }
});

Deno.test("a secret comes in any pieces, and input may end at once", async () => {
  for (
    const [given, secret] of [["s3cret\nmore", "s3cret"], ["s3cret", "s3cret"], ["", ""]] as const
  ) {
    const io = memoryIo({ stdin: new TextEncoder().encode(given) });
    const oneByOne = { read: (buffer: Uint8Array) => io.stdin.read(buffer.subarray(0, 1)) };
    const supervisor = await attachSupervisor({ stdin: oneByOne, stdout: io.stdout });
    supervisor.tell({ kind: "failed", code: "LOAD", message: "👋\nno" });
    assert.equal(io.stdout.text, `${secret} {"kind":"failed","code":"LOAD","message":"👋\\nno"}\n`);
    await supervisor.gone;
  }
});
