import type { LoadGenerator } from "./load.ts";

/** A benchmark: a file in `rows/` and a line in `rows.ts`. */
export interface Row {
  readonly name: string;
  /** A sentence without its full stop: the quantity that is measured. */
  readonly about: string;
  /** Measures. Returns an empty list if a program it needs is missing, after `say` named it. */
  run(bench: Bench): Promise<Line[]>;
}

/** The surroundings of a row. */
export interface Bench {
  readonly load: LoadGenerator;
  readonly length: Length;
  /** Launchers named on the command line. */
  readonly others: readonly Other[];
  /** Prints progress on stderr. */
  say(text: string): void;
}

/** The duration of measurements. */
export interface Length {
  readonly name: "smoke" | "quick" | "full";
  /** Duration of one measurement under load. */
  readonly seconds: number;
  /** Number of measurements of each contender. */
  readonly rounds: number;
}

/** Returns the value for this length. */
export function byLength<T>({ name }: Length, values: Record<Length["name"], T>): T {
  return values[name];
}

/** Another launcher: `name=binary`, or `name=binary --wasm={wasm} --httpPort={port}`. */
export interface Other {
  readonly name: string;
  /** The binary, followed by its arguments if the command line has any. */
  readonly words: readonly string[];
}

/** A line of the table. */
export interface Line {
  /** The work, such as `GET, 32 connections`. */
  readonly what: string;
  /** The contender, such as `ours`. */
  readonly who: string;
  /** Measured medians with their units. */
  readonly seen: string;
  /** Comparison with another contender, such as `0.41 × bare`. */
  readonly ratio?: string;
  readonly target?: Verdict;
}

/** A target and its outcome. */
export interface Verdict {
  readonly text: string;
  readonly met: boolean;
}

/** Requires that `value` is at least `limit`; NaN never meets it. */
export function atLeast(limit: number, value: number): Verdict {
  return { text: `≥ ${limit}`, met: value >= limit };
}

/** Requires that `value` is at most `limit`; NaN never meets it. */
export function atMost(limit: number, value: number, unit = ""): Verdict {
  return { text: `≤ ${limit}${unit && ` ${unit}`}`, met: value <= limit };
}
