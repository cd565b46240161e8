import { CapsuleError } from "../base/errors.ts";
import { parseDurationMs, parseSize } from "../base/units.ts";
import type { ModeName } from "./modes.ts";

/** A row of the table of flags. */
export interface Flag {
  /** The heading above it in the usage. */
  readonly group: string;
  readonly type: FlagType<NonNullable<unknown>, unknown>;
  readonly modes: readonly ModeName[];
  /** Sentences for the usage; the first one is enough for a completion. */
  readonly about: string;
  /** The default as a user would write it; it may differ by mode. */
  readonly default?: string | { readonly [Mode in ModeName]?: string };
  /** Modes that require the flag. */
  readonly required?: readonly ModeName[];
  /** Another flag that this one requires. */
  readonly needs?: string;
  /** `false` if the flag has no environment variable. */
  readonly variable?: false;
}

/** Returns the environment variable of a flag: `httpPort` → `CAPSULE_HTTP_PORT`. */
export function variableOf(name: string): string {
  return `CAPSULE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** Returns the default of a flag in a mode, as a user would write it. */
export function defaultOf(flag: Flag, mode: ModeName): string | undefined {
  return typeof flag.default === "object" ? flag.default[mode] : flag.default;
}

/** Returns the first sentence about a flag, without its full stop. */
export function shortAbout({ about }: Flag): string {
  return about.replace(/\.(?: .*)?$/s, "");
}

/**
 * A type of flag: reads the text of a flag as a `T`. `Absent` is the value of a flag that is not
 * given and has no default.
 */
export interface FlagType<T, Absent = undefined> {
  /** The placeholder after `=` in the usage. */
  readonly placeholder: string;
  /** Completes the sentence "-flag must be …". */
  readonly rule: string;
  /** Returns the value; `undefined` if the text is invalid. */
  read(text: string): T | undefined;
  readonly absent: Absent;
  /** The text of a flag that is given without a value; only booleans have one. */
  readonly bare?: string;
  /** All valid texts, if they are few; a message suggests the nearest one. */
  readonly choices?: readonly string[];
  /** Joins the values of a flag that is given several times. Without it the last one counts. */
  join?(before: T, next: T): T;
  /** The separator of several values in the environment variable. */
  readonly variableSeparator?: string;
  /** True if the empty text is a value; otherwise an empty environment variable counts as unset. */
  readonly takesEmpty?: boolean;
}

/** A text that is not empty, such as a host name. */
export function text(placeholder: string): FlagType<string> {
  return {
    placeholder,
    rule: "a text that is not empty",
    absent: undefined,
    read: (given) => given || undefined,
  };
}

/** A path, as it was written. */
export const path: FlagType<string> = { ...text("PATH"), rule: "a path that is not empty" };

/** The path of a module, and those of the middleware before it, the outermost first. */
export interface ModulePath {
  readonly path: string;
  readonly middleware: readonly string[];
}

/** A path; if it is given several times, the last one is the module's. */
export const modulePath: FlagType<ModulePath> = {
  placeholder: "PATH",
  rule: path.rule,
  absent: undefined,
  variableSeparator: "\n",
  read: (given) => given === "" ? undefined : { path: given, middleware: [] },
  join: (before, next) => ({ ...next, middleware: [...before.middleware, before.path] }),
};

/** A boolean in Go's spellings. @see https://pkg.go.dev/strconv#ParseBool */
export const boolean: FlagType<boolean, false> = {
  placeholder: "BOOL",
  rule: "true or false (or 1, t, 0, f)",
  absent: false,
  bare: "true",
  read(given) {
    if (/^(?:1|t|T|TRUE|true|True)$/.test(given)) return true;
    return /^(?:0|f|F|FALSE|false|False)$/.test(given) ? false : undefined;
  },
};

/** A decimal integer; both bounds are inclusive. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): FlagType<number> {
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

/** A number of bytes; both bounds are inclusive, and written as a user writes sizes. */
export function size(bounds: { min?: string; max?: string } = {}): FlagType<number> {
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

/** Timers count milliseconds in 31 bits: a longer one would fire immediately. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * A duration with a unit, as in Go, read as milliseconds; 0 is refused unless `zero` names its
 * meaning.
 */
export function duration({ zero }: { zero?: string } = {}): FlagType<number> {
  return {
    placeholder: "DURATION",
    rule: `a duration such as 500ms, 30s or 2m${
      zero === undefined ? ", above 0" : `, or 0 for ${zero}`
    }, and at most 596h`,
    absent: undefined,
    read(given) {
      const ms = orUndefined(() => parseDurationMs(given));
      return ms !== undefined && ms <= longestTimerMs && (zero !== undefined || ms > 0)
        ? ms
        : undefined;
    },
  };
}

/** A choice among words. */
export function oneOf<const Word extends string>(choices: readonly Word[]): FlagType<Word> {
  return {
    placeholder: choices.join("|"),
    rule: `one of ${choices.join(", ")}`,
    absent: undefined,
    choices,
    read: (given) => choices.find((choice) => choice === given),
  };
}

/** A SHA-256 digest in hexadecimal; options have it in lower case. */
export const sha256: FlagType<string> = {
  placeholder: "HEX",
  rule: "64 hexadecimal digits",
  absent: undefined,
  read: (given) => /^[0-9a-fA-F]{64}$/.test(given) ? given.toLowerCase() : undefined,
};

/** A URL with one of the schemes (`http:`, with the colon), as it was written. */
export function url(...schemes: readonly string[]): FlagType<string> {
  const starts = schemes.map((scheme) => `${scheme}//`).join(" or ");
  return {
    placeholder: "URL",
    rule: `a URL that begins with ${starts}`,
    absent: undefined,
    read(given) {
      const parsed = URL.parse(given);
      // A file: URL has no host, or this machine's.
      return parsed && (parsed.host !== "" || parsed.protocol === "file:") &&
          schemes.includes(parsed.protocol)
        ? given
        : undefined;
    },
  };
}

/** A list separated by commas. The empty text is the empty list, which differs from no list. */
export function list(placeholder: string): FlagType<readonly string[]> {
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

/** A flag that is given once per value; its environment variable has one value per line. */
function repeated<T>(
  placeholder: string,
  rule: string,
  read: (text: string) => T | undefined,
): FlagType<readonly T[], readonly T[]> {
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

/** A folder of the host, and the path that the guest has for it. */
export interface GrantedFolder {
  readonly host: string;
  readonly guest: string;
}

/** `host`, with the same path for the guest, or `host::guest`. */
export const folder = repeated<GrantedFolder>("HOST[::GUEST]", "host or host::guest", (given) => {
  const [host = "", guest = host, ...more] = given.split("::");
  return host && guest && more.length === 0 ? { host, guest } : undefined;
});

/** An environment variable of a guest; without a value it has that of the launcher. */
export interface GuestVariable {
  readonly name: string;
  readonly value: string | undefined;
}

/** `KEY=value` (the value may be empty or contain `=`) or `NAME`. */
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
