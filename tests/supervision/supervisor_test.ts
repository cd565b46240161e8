import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attachSupervisor, readReport } from "../../src/supervision/supervisor.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { TextCollector } from "../testing/text_collector.ts";

/** Starts a supervised child and waits for its ready report. */
async function startChild(job: "wait" | "spin") {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./supervised_child.ts", import.meta.url)), job],
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

Deno.test("supervisor: a child reports with the secret and ends with its supervisor", async () => {
  const { child, stdin, stdout, report } = await startChild("wait");
  assert.deepEqual(report, { kind: "ready", url: "http://localhost:1", port: 1 });
  await stdin.close();
  assert.equal((await child.status).code, 0);
  await stdout.done;
  assert.equal(stdout.lines.at(-1), "left alone");
});

Deno.test({
  name: "endWithInput: kills a child whose thread never becomes idle",
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

Deno.test("readReport: refuses a line without the secret", () => {
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

Deno.test("attachSupervisor: reads a secret split anywhere, or cut by the end of input", async () => {
  for (
    const [given, secret] of [["s3cret\nmore", "s3cret"], ["s3cret", "s3cret"], ["", ""]] as const
  ) {
    const io = memoryIo({ stdin: new TextEncoder().encode(given) });
    const oneByOne = { read: (buffer: Uint8Array) => io.stdin.read(buffer.subarray(0, 1)) };
    const supervisor = await attachSupervisor({ stdin: oneByOne, stdout: io.stdout });
    supervisor.report({ kind: "failed", code: "LOAD", message: "👋\nno" });
    assert.equal(io.stdout.text, `${secret} {"kind":"failed","code":"LOAD","message":"👋\\nno"}\n`);
    await supervisor.gone;
  }
});
