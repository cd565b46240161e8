import { trap } from "../../component/abi/context.ts";
import type { P2Interface, P2State } from "./state.ts";

/** Most bytes that one call returns; a larger list would not fit in most memories. */
const maxBytes = 2n ** 28n - 1n;
const chunkBytes = 65_536;

function randomBytes(state: P2State, length: bigint): Uint8Array {
  if (length > maxBytes) throw trap(`${length} random bytes are more than ${maxBytes}`);
  const bytes = new Uint8Array(Number(length));
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    state.assertInTime();
    state.random(bytes.subarray(at, at + chunkBytes));
  }
  return bytes;
}

/** Returns a random number of 64 bits. */
export function randomU64(state: P2State): bigint {
  return new DataView(randomBytes(state, 8n).buffer).getBigUint64(0);
}

/** `wasi:random/random` */
export function randomInterface(state: P2State): P2Interface {
  return {
    functions: {
      // get-random-bytes: func(len: u64) -> list<u8>
      "get-random-bytes": (length: bigint) => randomBytes(state, length),
      // get-random-u64: func() -> u64
      "get-random-u64": () => randomU64(state),
    },
  };
}

/** `wasi:random/insecure`: as good as the secure one. */
export function insecureInterface(state: P2State): P2Interface {
  return {
    functions: {
      // get-insecure-random-bytes: func(len: u64) -> list<u8>
      "get-insecure-random-bytes": (length: bigint) => randomBytes(state, length),
      // get-insecure-random-u64: func() -> u64
      "get-insecure-random-u64": () => randomU64(state),
    },
  };
}

/** `wasi:random/insecure-seed` */
export function insecureSeedInterface(state: P2State): P2Interface {
  return {
    functions: {
      // insecure-seed: func() -> tuple<u64, u64>
      "insecure-seed": () => [randomU64(state), randomU64(state)],
      // The name since 0.2.7.
      "get-insecure-seed": () => [randomU64(state), randomU64(state)],
    },
  };
}
