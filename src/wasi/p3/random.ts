import { randomU64 } from "../p2/random.ts";
import type { P2Interface } from "../p2/state.ts";
import type { P3Context } from "./context.ts";

/** `wasi:random/insecure-seed`: the same seed during a call. */
export function insecureSeedInterface({ state }: P3Context): P2Interface {
  let seed: readonly [bigint, bigint] | undefined;
  const forget = () => void (seed = undefined);
  return {
    functions: {
      // get-insecure-seed: func() -> tuple<u64, u64>
      "get-insecure-seed": () => {
        state.pending.add(forget);
        return seed ??= [randomU64(state), randomU64(state)];
      },
    },
  };
}
