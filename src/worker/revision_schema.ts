import * as z from "zod";
import { isName, nameRule } from "../base/function_names.ts";
import { parseDurationMs } from "../base/units.ts";

/**
 * Schemas for the fields of a revision, which the API, `functions.yaml` and the state file share.
 * Their messages begin with "expected", so that `readYaml` adds what it found.
 */
export const revisionFields = {
  downloadUrl: text("a URL that begins with http://, https:// or oci://").superRefine(
    (given, context) => {
      const url = URL.parse(given);
      const isKnown = url !== null && ["http:", "https:", "oci:"].includes(url.protocol);
      const message = !isKnown || url.host === ""
        ? "expected a URL that begins with http://, https:// or oci://"
        : url.username !== "" || url.password !== ""
        ? "expected a URL without a user or a password"
        : undefined;
      if (message) context.addIssue({ code: "custom", message });
    },
  ),
  /** 64 hexadecimal digits, without the prefix `sha256:` that it may be written with. */
  sha256: text("a digest, 64 hexadecimal digits").regex(
    /^(?:sha256:)?[0-9a-fA-F]{64}$/,
    "expected a digest, 64 hexadecimal digits",
  ).transform((digest) => digest.toLowerCase().replace(/^sha256:/, "")),
  /** A duration as it is written, such as `60s`. */
  idle: text("a duration such as 60s or 5m").superRefine((given, context) => {
    const message = durationFault(given);
    if (message) context.addIssue({ code: "custom", message });
  }),
};

/** Upper bound on the instances of a revision on one worker. */
export const maxInstances = 256;

/** Returns a schema for a number of instances. */
export function instancesFrom(min: number): z.ZodType<number> {
  const message = `expected a number of instances from ${min} to ${maxInstances}`;
  return z.int({ error: () => message }).min(min, message).max(maxInstances, message);
}

/** A schema for the name of a function or a revision. */
export const name: z.ZodType<string> = z.string().superRefine((given, context) => {
  const rule = nameFault(given);
  if (rule) context.addIssue({ code: "custom", message: `expected ${rule}` });
});

/** Returns the rule that a name breaks. An object loses the key `__proto__`. */
export function nameFault(given: string): string | undefined {
  if (!isName(given)) return `a name (${nameRule})`;
  return given === "__proto__" ? "a name other than __proto__" : undefined;
}

function text(expectation: string): z.ZodString {
  return z.string({ error: () => `expected ${expectation}` });
}

/** Timers count milliseconds in 31 bits. */
const maxDurationMs = 2 ** 31 - 1;

function durationFault(given: string): string | undefined {
  let ms = 0;
  try {
    ms = parseDurationMs(given);
  } catch {
    // The message below says how a duration is written.
  }
  if (ms <= 0) return "expected a duration such as 60s or 5m";
  return ms > maxDurationMs ? "expected a duration of at most 596h" : undefined;
}
