import { CapsuleError } from "./errors.ts";

const sizes: Record<string, number> = { "": 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * Parses a size: `4096`, `64KiB`, `10 MiB`, `1.5GiB`. Returns bytes.
 *
 * @throws CapsuleError `UNIT` if the text is not a size, or for 2⁵³ bytes and more.
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
 * Parses a duration as Go does: `500ms`, `1.5s`, `2m30s`, `1h`, and `0` without a unit. Returns
 * milliseconds. Negative durations are refused, as no setting has a use for them.
 *
 * @see https://pkg.go.dev/time#ParseDuration
 * @throws CapsuleError `UNIT` if the text is not a duration.
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
