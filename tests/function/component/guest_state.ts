import assert from "node:assert/strict";
import { serveComponentBytes } from "../../testing/component.ts";

const kinds = ["short", "short", "short", "throw", "gone", "short", "early"] as const;

/**
 * Calls a guest of `tests/testdata/components`, which counts its calls in a variable and in a list,
 * also after calls that trap, time out, or lose their client. Asserts that every call is the first
 * of its instance.
 */
export async function assertFreshCalls(
  bytes: Uint8Array<ArrayBuffer>,
  { calls, endless }: { calls: number; endless: number },
): Promise<void> {
  const limits = ["-maxInstances=6", `-maxQueue=${calls + endless}`, "-timeout=5s"];
  await using served = await serveComponentBytes(bytes, limits);
  const seen = new Map<string, number>();
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);

  const request = (path: string, signal?: AbortSignal) =>
    served.handle(new Request(`http://test${path}`, { signal }));
  const one = async (kind: (typeof kinds)[number]): Promise<void> => {
    if (kind === "short") {
      const response = await request("/");
      assert.deepEqual([response.status, await response.text()], [200, "1 1"]);
    } else if (kind === "throw") {
      const response = await request("/throw");
      assert.equal(response.status, 500);
      await response.body?.cancel();
    } else if (kind === "gone") {
      const client = new AbortController();
      const response = await request("/drip", client.signal);
      const reader = response.body?.getReader();
      assert.equal((await reader?.read())?.done, false);
      client.abort();
      await reader?.cancel();
    } else {
      const client = new AbortController();
      const left = request("/drip", client.signal);
      client.abort();
      await (await left).body?.cancel();
    }
    count(kind);
  };
  const late = async () => {
    const response = await request("/loop");
    assert.equal(response.status, 504, await response.text());
    count("late");
  };

  let next = 0;
  const client = async () => {
    while (next < calls) await one(kinds[next++ % kinds.length] ?? "short");
  };
  const endlessCalls = Array.from({ length: endless }, late);
  await Promise.all(Array.from({ length: 8 }, client));
  await Promise.all(endlessCalls);
  // A guest whose client left notices that when it next writes.
  const isBusy = () => served.called.figures.busy > 0;
  for (let call = 0; call < 12 || (isBusy() && call < 2000); call++) {
    await one("short");
    // Timers of other calls run between two turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal(seen.get("late"), endless);
  for (const kind of kinds) assert.ok(seen.has(kind), `no call was ${kind}`);
  assert.deepEqual([served.called.figures.busy, served.called.figures.queued], [0, 0]);
}
