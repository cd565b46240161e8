/**
 * Turns of the event loop for guests that are past their slice: one guest goes on in each turn, in the order in which
 * they came, so that between two slices the loop serves everybody else, however many compute.
 */
const waiting: (() => void)[] = [];
let first = 0;
let scheduled = false;

/** Resolves when it is this guest's turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (!scheduled) {
      scheduled = true;
      setTimeout(turn, 0);
    }
  });
}

function turn(): void {
  const resume = waiting[first++];
  if (first === waiting.length) {
    waiting.length = first = 0;
    scheduled = false;
  } else {
    if (first > 1024) waiting.splice(0, first), first = 0;
    setTimeout(turn, 0);
  }
  resume?.();
}
