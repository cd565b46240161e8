import { CapsuleError } from "../base/errors.ts";
import { parseDurationMs, parseSize } from "../base/units.ts";

/**
 * How a flag's text becomes a value. `T` is what options hold when the flag is given, `Absent` what they hold when
 * it is not and the flag has no default.
 */
export interface ValueType<T, Absent = undefined> {
  /** What the usage prints after `=`. */
  readonly placeholder: string;
  /** Completes the sentence "-flag must be …". */
  readonly rule: string;
  /** The value, or `undefined` when the text is none. */
  read(text: string): T | undefined;
  readonly absent: Absent;
  /** The text that a flag without a value stands for; only booleans have one. */
  readonly bare?: string;
  /** The texts that are right, where they can be counted: the nearest is named when another is given. */
  readonly choices?: readonly string[];
  /** How values of a flag that is given several times come together. Without it the last one wins, as in Go. */
  join?(before: T, next: T): T;
  /** What stands between the values in an environment variable, where the type itself has no separator. */
  readonly variableSeparator?: string;
  /** Whether the empty text is a value. Where it is not, an empty environment variable counts as unset. */
  readonly takesEmpty?: boolean;
}

/** Text that is not empty, such as a path or a host's name. */
export function text(placeholder: string): ValueType<string> {
  return {
    placeholder,
    rule: "a text that is not empty",
    absent: undefined,
    read: (given) => given || undefined,
  };
}

/** A path as the person wrote it. */
export const path: ValueType<string> = { ...text("PATH"), rule: "a path that is not empty" };

/** Go's spellings of true and false. @see https://pkg.go.dev/strconv#ParseBool */
export const boolean: ValueType<boolean, false> = {
  placeholder: "BOOL",
  rule: "true or false (or 1, t, 0, f)",
  absent: false,
  bare: "true",
  read(given) {
    if (/^(?:1|t|T|TRUE|true|True)$/.test(given)) return true;
    return /^(?:0|f|F|FALSE|false|False)$/.test(given) ? false : undefined;
  },
};

/** A whole number written in decimal digits, both bounds included. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    placeholder: "N",
    rule: `a whole number ${range}`,
    absent: undefined,
    read(given) {
      const value = /^\d{1,16}$/.test(given) ? Number(given) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A number of bytes, both bounds included; the bounds are written as the person would write them. */
export function size(bounds: { min?: string; max?: string } = {}): ValueType<number> {
  const min = bounds.min ?? "0";
  const range = bounds.max
    ? ` from ${min} to ${bounds.max}`
    : min === "0"
    ? ""
    : ` of at least ${min}`;
  return {
    placeholder: "SIZE",
    rule: `a size${range}: bytes, or a number with KiB, MiB or GiB`,
    absent: undefined,
    read(given) {
      const bytes = orUndefined(() => parseSize(given));
      if (bytes === undefined || bytes < parseSize(min)) return undefined;
      return bounds.max && bytes > parseSize(bounds.max) ? undefined : bytes;
    },
  };
}

/** Longer than this, a timer fires at once: timers count milliseconds in 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

/** Milliseconds, written with a unit as in Go. `zero` says what 0 means; without it, 0 is refused. */
export function duration(zero?: "none"): ValueType<number> {
  return {
    placeholder: "DURATION",
    rule: `a duration such as 500ms, 30s or 2m${
      zero ? ", or 0 for none" : ", above 0"
    }, and at most 596h`,
    absent: undefined,
    read(given) {
      const ms = orUndefined(() => parseDurationMs(given));
      return ms !== undefined && ms <= longestTimerMs && (zero || ms > 0) ? ms : undefined;
    },
  };
}

/** One word of several. */
export function oneOf<const Word extends string>(choices: readonly Word[]): ValueType<Word> {
  return {
    placeholder: choices.join("|"),
    rule: `one of ${choices.join(", ")}`,
    absent: undefined,
    choices,
    read: (given) => choices.find((choice) => choice === given),
  };
}

/** A SHA-256 digest in hexadecimal; lower case in the options. */
export const sha256: ValueType<string> = {
  placeholder: "HEX",
  rule: "64 hexadecimal digits",
  absent: undefined,
  read: (given) => /^[0-9a-fA-F]{64}$/.test(given) ? given.toLowerCase() : undefined,
};

/** A URL with one of these schemes (`http:`, with the colon), kept as it was written. */
export function url(...schemes: readonly string[]): ValueType<string> {
  const starts = schemes.map((scheme) => `${scheme}//`).join(" or ");
  return {
    placeholder: "URL",
    rule: `a URL that begins with ${starts}`,
    absent: undefined,
    read(given) {
      const parsed = URL.parse(given);
      // A file's URL names no host, or the machine itself.
      return parsed && (parsed.host !== "" || parsed.protocol === "file:") &&
          schemes.includes(parsed.protocol)
        ? given
        : undefined;
    },
  };
}

/** A list separated by commas. Given empty it is the empty list, which is not the same as not given. */
export function list(placeholder: string): ValueType<readonly string[]> {
  return {
    placeholder: `${placeholder},…`,
    rule: "a list separated by commas, without empty items or spaces around an item",
    absent: undefined,
    takesEmpty: true,
    join: (before, next) => [...before, ...next],
    read(given) {
      if (given === "") return [];
      const items = given.split(",");
      return items.every((item) => item !== "" && item === item.trim()) ? items : undefined;
    },
  };
}

/** A flag that is given once for each value; in an environment variable the values stand on lines of their own. */
function repeated<T>(
  placeholder: string,
  rule: string,
  read: (text: string) => T | undefined,
): ValueType<readonly T[], readonly T[]> {
  return {
    placeholder,
    rule,
    absent: [],
    variableSeparator: "\n",
    join: (before, next) => [...before, ...next],
    read(given) {
      const value = read(given);
      return value === undefined ? undefined : [value];
    },
  };
}

/** A folder of the machine and the path by which a guest names it. */
export interface GrantedFolder {
  readonly host: string;
  readonly guest: string;
}

/** `host`, which a guest names by the same path, or `host::guest`. */
export const folder = repeated<GrantedFolder>("HOST[::GUEST]", "host or host::guest", (given) => {
  const [host = "", guest = host, ...more] = given.split("::");
  return host && guest && more.length === 0 ? { host, guest } : undefined;
});

/** An environment variable for a guest; without a value, the launcher's own variable of that name is meant. */
export interface GuestVariable {
  readonly name: string;
  readonly value: string | undefined;
}

/** `KEY=value` (the value may be empty and may hold `=`) or `NAME`. */
export const variable = repeated<GuestVariable>("KEY=VALUE|NAME", "KEY=value or NAME", (given) => {
  const end = given.indexOf("=");
  const name = end < 0 ? given : given.slice(0, end);
  return name ? { name, value: end < 0 ? undefined : given.slice(end + 1) } : undefined;
});

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CapsuleError) return undefined;
    throw error;
  }
}
