import { CapsuleError } from "./errors.ts";

const sizes: Record<string, number> = { "": 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * A size in bytes from `4096`, `64KiB`, `10 MiB`, `1.5GiB`.
 *
 * @throws CapsuleError `UNIT` when the text is no size or is over 2⁵³ bytes.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?$/.exec(text.trim());
  const bytes = match ? Math.round(Number(match[1]) * (sizes[match[2] ?? ""] ?? NaN)) : NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new CapsuleError(
      "UNIT",
      `a size is a number of bytes, or has one of the units KiB, MiB, GiB: got "${text}"`,
    );
  }
  return bytes;
}

const unitsMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds from a duration as Go writes it: `500ms`, `1.5s`, `2m30s`, `1h`, and `0` without a unit. Negative
 * durations are refused: no setting of the launcher has a use for them.
 *
 * @see https://pkg.go.dev/time#ParseDuration
 * @throws CapsuleError `UNIT` when the text is no such duration.
 */
export function parseDurationMs(text: string): number {
  const trimmed = text.trim();
  return trimmed === "0" ? 0 : sumOf(trimmed);
}

function sumOf(text: string): number {
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let totalMs = 0;
  do {
    const [, amount, unit = ""] = part.exec(text) ?? [];
    if (amount === undefined) {
      throw new CapsuleError(
        "UNIT",
        `a duration is written like 500ms, 30s, 2m or 0: got "${text}"`,
      );
    }
    totalMs += Number(amount) * (unitsMs[unit] ?? NaN);
  } while (part.lastIndex < text.length);
  return totalMs;
}
