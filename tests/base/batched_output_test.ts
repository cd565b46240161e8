import assert from "node:assert/strict";
import { BatchedOutput } from "../../src/base/batched_output.ts";
import type { ProcessOutput } from "../../src/base/io.ts";

/** An output whose writes wait for the test, and that may be a terminal. */
class SlowOutput implements ProcessOutput {
  text = "";
  readonly pending: (() => void)[] = [];
  #wanted: (() => void) | undefined;

  constructor(readonly options: { isTerminal?: boolean } = {}) {}

  isTerminal(): boolean {
    return this.options.isTerminal ?? false;
  }

  write(): void {
    assert.fail("a write that may block");
  }

  writeSome(bytes: Uint8Array, later: boolean): Promise<number> {
    assert.equal(later, true);
    const text = new TextDecoder().decode(bytes);
    return new Promise((resolve) => {
      this.pending.push(() => {
        this.text += text;
        resolve(bytes.length);
      });
      this.#wanted?.();
    });
  }

  /** Resolves when a write is pending, with a function that completes it. */
  async next(): Promise<() => void> {
    if (this.pending.length === 0) await new Promise<void>((resolve) => this.#wanted = resolve);
    return this.pending.shift() ?? assert.fail();
  }
}

const droppedLine = (bytes: number) => `${bytes} dropped\n`;

Deno.test("batched output: writes of one batch are one system call, in order", async () => {
  const slow = new SlowOutput();
  const output = new BatchedOutput(slow, { droppedLine });
  output.write("a\n");
  output.write(new TextEncoder().encode("👋\n"));
  (await slow.next())();
  assert.equal(slow.text, "a\n👋\n");
  await output.close();
});

Deno.test("batched output: never blocks, and reports what a slow reader lost", async () => {
  const slow = new SlowOutput();
  const output = new BatchedOutput(slow, { maxBytes: 10, droppedLine });
  output.write("first\n");
  const complete = await slow.next();
  for (let line = 0; line < 1_000; line++) output.write("12345678\n");
  complete();
  (await slow.next())();
  assert.equal(slow.text, "first\n12345678\n8991 dropped\n");
  output.write("last\n");
  const closed = output.close();
  (await slow.next())();
  await closed;
  assert.equal(slow.text, "first\n12345678\n8991 dropped\nlast\n");
});

Deno.test("batched output: a line above the limit is written while the reader keeps up", async () => {
  const slow = new SlowOutput();
  const output = new BatchedOutput(slow, { maxBytes: 10, droppedLine });
  output.write("x".repeat(100_000));
  const closed = output.close();
  (await slow.next())();
  (await slow.next())();
  await closed;
  assert.equal(slow.text.length, 100_000);
});

Deno.test("batched output: writes continue after the reader is gone", async () => {
  const gone: ProcessOutput = {
    isTerminal: () => false,
    write() {},
    writeSome: () => Promise.reject(new Deno.errors.BrokenPipe()),
  };
  const output = new BatchedOutput(gone, { droppedLine });
  for (let line = 0; line < 3; line++) {
    output.write("x\n");
    await output.close();
  }
});

Deno.test("batched output: close does not wait for a reader that never reads", async () => {
  const slow = new SlowOutput();
  const output = new BatchedOutput(slow, { droppedLine });
  output.write("x\n");
  await output.close();
  assert.equal(slow.text, "");
});

Deno.test("batched output: control characters are escaped on a terminal only", async () => {
  const text = "\x1b[31m\u009b0m red\r\n\tb\rc\x07 👋 \xa0é\n";
  for (const isTerminal of [false, true]) {
    const slow = new SlowOutput({ isTerminal });
    const output = new BatchedOutput(slow, { droppedLine });
    output.write(text);
    const closed = output.close();
    (await slow.next())();
    await closed;
    const escaped = "\\x1b[31m\\x9b0m red\r\n\tb\\x0dc\\x07 👋 \xa0é\n";
    assert.equal(slow.text, isTerminal ? escaped : text);
  }
});
