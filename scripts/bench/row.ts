import type { LoadGenerator } from "./load.ts";

/** One subject of the benchmark: a file in `rows/`, a line in `rows.ts`. */
export interface Row {
  readonly name: string;
  /** One sentence: what is measured. */
  readonly about: string;
  /** What was measured, or an empty list when there is nothing to measure; `say` has then told why. */
  run(bench: Bench): Promise<Line[]>;
}

/** What a row is given. */
export interface Bench {
  readonly load: LoadGenerator;
  readonly length: Length;
  /** Launchers that the command line named. */
  readonly others: readonly Other[];
  /** Tells what goes on, on stderr. */
  say(text: string): void;
}

/** How long to measure. */
export interface Length {
  readonly name: "smoke" | "quick" | "full";
  /** Of one measurement under load. */
  readonly seconds: number;
  /** How often each contender has its turn. */
  readonly rounds: number;
}

/** The value for this length. */
export function byLength<T>({ name }: Length, values: Record<Length["name"], T>): T {
  return values[name];
}

/** Another launcher: `name=binary`, or `name=binary --wasm={wasm} --httpPort={port}`. */
export interface Other {
  readonly name: string;
  /** The binary, and its arguments if the command line gave some. */
  readonly words: readonly string[];
}

/** A line of the table. */
export interface Line {
  /** The work, such as `GET, 32 connections`. */
  readonly what: string;
  /** Who did it, such as `ours`. */
  readonly who: string;
  /** What was seen: medians, with their units. */
  readonly seen: string;
  /** How that compares, such as `0.41 × bare`. */
  readonly ratio?: string;
  readonly target?: Verdict;
}

/** A target, and whether it was met. */
export interface Verdict {
  readonly text: string;
  readonly met: boolean;
}

/** `value` is to be `limit` or more. */
export function atLeast(limit: number, value: number): Verdict {
  return { text: `≥ ${limit}`, met: value >= limit };
}

/** `value` is to be `limit` or less. */
export function atMost(limit: number, value: number, unit = ""): Verdict {
  return { text: `≤ ${limit}${unit && ` ${unit}`}`, met: value <= limit };
}
