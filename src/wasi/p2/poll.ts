import { setImmediate } from "node:timers";
import { trap } from "../../component/abi/context.ts";
import type { P2Interface, P2State } from "./state.ts";
import type { Pollable } from "./stream_types.ts";

/**
 * Polls in a row that may return immediately with a pollable that is not ready. Then the event loop
 * gets a turn: a guest that polls with a timeout of 0 would otherwise never see the pollable become
 * ready.
 */
const pollsUntilTurn = 16;

/** A pollable that is always ready. */
export const ready: Pollable = {
  isReady: () => true,
  whenReady(listener) {
    const timer = setTimeout(listener, 0);
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves when one of the pollables is ready.
 *
 * @param pending holds a function that cancels the wait while it lasts.
 */
export function anyReady(
  { pending }: Pick<P2State, "pending">,
  pollables: readonly Pollable[],
): Promise<void> {
  return new Promise((resolve) => {
    const cancels: (() => void)[] = [];
    const cancel = () => {
      for (const cancel of cancels) cancel();
      pending.delete(cancel);
    };
    const finish = () => {
      cancel();
      resolve();
    };
    pending.add(cancel);
    for (const pollable of pollables) cancels.push(pollable.whenReady(finish));
  });
}

/** Returns a pollable for a promise, which never rejects. */
export function pollableOf(promise: Promise<unknown>): Pollable {
  let isDone = false;
  void promise.then(() => isDone = true);
  return {
    isReady: () => isDone,
    whenReady(listener) {
      let isCancelled = false;
      void promise.then(() => {
        if (!isCancelled) listener();
      });
      return () => void (isCancelled = true);
    },
  };
}

/** `wasi:io/poll` */
export function pollInterface(state: P2State): P2Interface {
  let polls = 0;
  return {
    functions: {
      // ready: func() -> bool
      "[method]pollable.ready": (self: Pollable) => self.isReady(),
      // block: func()
      "[method]pollable.block": (self: Pollable) =>
        self.isReady() ? undefined : anyReady(state, [self]),
      // poll: func(in: list<borrow<pollable>>) -> list<u32>
      "poll": (pollables: readonly Pollable[]) => {
        if (pollables.length === 0) throw trap("poll of an empty list of pollables");
        const found = () => {
          const indices: number[] = [];
          for (const [index, pollable] of pollables.entries()) {
            if (index % 1024 === 1023) state.assertInTime();
            if (pollable.isReady()) indices.push(index);
          }
          return indices;
        };
        const indices = found();
        if (indices.length === 0) return anyReady(state, pollables).then(found);
        if (indices.length === pollables.length || ++polls < pollsUntilTurn) return indices;
        polls = 0;
        return new Promise<void>((resolve) => setImmediate(resolve)).then(found);
      },
    },
    waits: ["[method]pollable.block", "poll"],
  };
}
