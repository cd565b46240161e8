/** The policies by which requests are balanced. */
export const balances = ["random", "round-robin", "least-connections", "hash"] as const;
/** A balancing policy. */
export type Balance = typeof balances[number];

/** An upstream or a revision that may be chosen. */
export interface Candidate {
  /** Its share of the requests; above 0. */
  readonly weight: number;
  /** The number of requests under way. */
  readonly running: number;
  /** Identifies it whatever the order of the candidates. */
  readonly id: string;
}

/** The input of a choice beside the candidates. */
export interface SelectionInput {
  /** A random number from 0 to below 1. */
  readonly random: number;
  /** The number of choices before this one, for `round-robin`. */
  readonly turn: number;
  /** The key that maps to the same candidate each time, for `hash`. */
  readonly key: string;
}

/** Returns the index of the candidate for a request. There must be at least one. */
export function choose(
  candidates: readonly Candidate[],
  balance: Balance,
  { random, turn, key }: SelectionInput,
): number {
  if (candidates.length < 2) return 0;
  switch (balance) {
    case "random":
      return atPoint(candidates, random * total(candidates));
    case "round-robin":
      return roundRobin(candidates, turn);
    case "least-connections":
      return leastConnections(candidates, random);
    case "hash":
      return rendezvous(candidates, key);
  }
}

function total(candidates: readonly Candidate[]): number {
  let sum = 0;
  for (const { weight } of candidates) sum += weight;
  return sum;
}

/** Returns the candidate in whose share the point lies, the shares laid end to end. */
function atPoint(candidates: readonly Candidate[], point: number): number {
  let left = point;
  for (const [index, { weight }] of candidates.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return candidates.length - 1;
}

/**
 * Weighted round-robin: each gets exactly its share of `total` consecutive requests. A step that is
 * coprime to the total, near the golden ratio, spreads them evenly.
 */
function roundRobin(candidates: readonly Candidate[], turn: number): number {
  const sum = total(candidates);
  if (sum === candidates.length) return turn % sum;
  let step = Math.max(1, Math.floor(sum * 0.618));
  while (commonFactor(step, sum) !== 1) step++;
  return atPoint(candidates, (turn % sum) * step % sum);
}

function commonFactor(a: number, b: number): number {
  return b === 0 ? a : commonFactor(b, a % b);
}

/** Fewest requests per weight; at random among equals, so that several proxies do not agree. */
function leastConnections(candidates: readonly Candidate[], random: number): number {
  const loads = candidates.map(({ running, weight }) => running / weight);
  const least = Math.min(...loads);
  const equals = candidates.flatMap((_, index) => loads[index] === least ? [index] : []);
  return equals[Math.floor(random * equals.length)] ?? 0;
}

/**
 * Rendezvous hashing: when a candidate goes, only its keys move.
 *
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing#Weighted_rendezvous_hash
 */
function rendezvous(candidates: readonly Candidate[], key: string): number {
  let best = 0;
  let bestScore = -Infinity;
  for (const [index, { id, weight }] of candidates.entries()) {
    const score = -weight / Math.log((hash(`${id}\n${key}`) + 0.5) / 2 ** 32);
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}

/** FNV-1a with MurmurHash3's finalizer, so that similar texts have different hashes. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  sum = Math.imul(sum ^ sum >>> 16, 0x85ebca6b);
  sum = Math.imul(sum ^ sum >>> 13, 0xc2b2ae35);
  return (sum ^ sum >>> 16) >>> 0;
}
