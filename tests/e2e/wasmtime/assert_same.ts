import assert from "node:assert/strict";
import { reflect, startBoth } from "./both_servers.ts";
import { withoutDifferences } from "./differences.ts";
import { exchange } from "./raw_exchange.ts";
import { requestsFrom } from "./requests.ts";

/** Requests in flight. */
const parallel = 8;

/** Sends requests to one component under wasmtime and here; all responses must be the same. */
export async function assertSame({ seed, count }: { seed: number; count: number }): Promise<void> {
  await using servers = await startBoth(reflect);
  const requests = requestsFrom(seed, count);
  const compare = async () => {
    for (let request = requests.pop(); request; request = requests.pop()) {
      const [theirs, ours] = await Promise.all([
        exchange(servers.wasmtimePort, request),
        exchange(servers.capsulePort, request),
      ]);
      assert.deepEqual(
        withoutDifferences(request, ours),
        withoutDifferences(request, theirs),
        request.title,
      );
    }
  };
  await Promise.all(Array.from({ length: parallel }, compare));
  // The launcher has no bugs to report.
  assert.doesNotMatch(servers.capsule.stderr.text, /bug in capsule/);
}
