/** Returns the middle value, or the mean of the two middle ones; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Returns the nearest-rank percentile: the smallest value that `percent` of the values do not
 * exceed; NaN for an empty list. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil(percent / 100 * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? NaN;
}

/**
 * Returns the median of the ratios within each round. Contenders of one round meet the same load of
 * the machine, which a ratio of two medians would not cancel.
 */
export function medianRatio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, round) => value / (base[round] ?? NaN)));
}

/**
 * Measures contenders in alternation: A B C A B C. Returns the samples of each, in the order of the
 * rounds.
 */
export async function alternate<T, Sample>(
  contenders: readonly T[],
  rounds: number,
  measure: (contender: T) => Promise<Sample>,
): Promise<Sample[][]> {
  const samples: Sample[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      samples[index]?.push(await measure(contender));
    }
  }
  return samples;
}
