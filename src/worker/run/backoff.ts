/** Between a process's end and its next start. */
export interface RestartDelays {
  /** After its first end. */
  readonly firstMs: number;
  /** Each is twice the one before, up to this. */
  readonly longestMs: number;
  /** A process that ran for so long has begun anew. */
  readonly forgetMs: number;
}

export const defaultRestartDelays: RestartDelays = {
  firstMs: 100,
  longestMs: 30_000,
  forgetMs: 30_000,
};

/** How long to wait after so many ends one soon after the other. */
export function delayMs(ends: number, { firstMs, longestMs }: RestartDelays): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, ends - 1), 30));
}
