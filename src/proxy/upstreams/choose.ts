/** How calls are shared out. */
export const balances = ["random", "round-robin", "least-connections", "hash"] as const;
export type Balance = typeof balances[number];

/** One that may be chosen. */
export interface Choice {
  /** Its share; above 0. */
  readonly weight: number;
  /** How many calls it has under way. */
  readonly running: number;
  /** What tells it from the others, whatever their order. */
  readonly id: string;
}

/** What a choice depends on beside the choices. */
export interface Chance {
  /** From 0 to below 1. */
  readonly random: number;
  /** Counts the calls, for `round-robin`. */
  readonly turn: number;
  /** What must come to the same place again, for `hash`. */
  readonly key: string;
}

/** Which of the choices takes the call; there is at least one. */
export function choose(
  choices: readonly Choice[],
  balance: Balance,
  { random, turn, key }: Chance,
): number {
  if (choices.length < 2) return 0;
  switch (balance) {
    case "random":
      return atShare(choices, random * total(choices));
    case "round-robin":
      return inTurn(choices, turn);
    case "least-connections":
      return leastBusy(choices, random);
    case "hash":
      return byHash(choices, key);
  }
}

function total(choices: readonly Choice[]): number {
  let sum = 0;
  for (const { weight } of choices) sum += weight;
  return sum;
}

/** The one in whose share the point lies, the shares laid end to end. */
function atShare(choices: readonly Choice[], point: number): number {
  let left = point;
  for (const [index, { weight }] of choices.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return choices.length - 1;
}

/** Each gets exactly its share of `total` calls in a row; a step that has no factor in common with the total spreads them out. */
function inTurn(choices: readonly Choice[], turn: number): number {
  const sum = total(choices);
  if (sum === choices.length) return turn % sum;
  let step = Math.max(1, Math.floor(sum * 0.618));
  while (commonFactor(step, sum) !== 1) step++;
  return atShare(choices, (turn % sum) * step % sum);
}

function commonFactor(a: number, b: number): number {
  return b === 0 ? a : commonFactor(b, a % b);
}

/** The fewest calls under way for its weight; by chance among equals, so that several proxies do not agree on the first. */
function leastBusy(choices: readonly Choice[], random: number): number {
  const loads = choices.map(({ running, weight }) => running / weight);
  const least = Math.min(...loads);
  const equals = choices.flatMap((_, index) => loads[index] === least ? [index] : []);
  return equals[Math.floor(random * equals.length)] ?? 0;
}

/**
 * Rendezvous hashing: when one goes, only its keys move.
 *
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing#Weighted_rendezvous_hash
 */
function byHash(choices: readonly Choice[], key: string): number {
  let best = 0;
  let bestScore = -Infinity;
  for (const [index, { id, weight }] of choices.entries()) {
    const score = -weight / Math.log((hash(`${id}\n${key}`) + 0.5) / 2 ** 32);
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}

/** FNV-1a, then MurmurHash3's last mixing, without which similar texts come out similar. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  sum = Math.imul(sum ^ sum >>> 16, 0x85ebca6b);
  sum = Math.imul(sum ^ sum >>> 13, 0xc2b2ae35);
  return (sum ^ sum >>> 16) >>> 0;
}
