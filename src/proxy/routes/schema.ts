import * as z from "zod";
import { isName, nameRule } from "../../base/function_names.ts";
import { withFound } from "../../base/yaml_file.ts";
import { urlFault } from "./routes.ts";

/** Returns the rule that a name of a function or a revision breaks; undefined if it is valid. */
export function nameFault(text: string): string | undefined {
  return isName(text) ? undefined : `a name (${nameRule})`;
}

/** The name of a function or of a revision. */
export const name: z.ZodType<string> = z.string().superRefine((text, context) => {
  const fault = nameFault(text);
  if (fault) context.addIssue({ code: "custom", message: `expected ${fault}` });
});

/** The URL of an upstream. */
export const upstreamUrl: z.ZodType<string> = z.string({ error: "expected a URL" })
  .superRefine((text, context) => {
    const fault = urlFault(text);
    if (fault) context.addIssue({ code: "custom", message: fault, params: withFound });
  });

/** A weight from 1 for a URL, from 0 for a revision. */
export function weightFrom(min: 0 | 1): z.ZodType<number> {
  const rule = `expected a weight, a whole number from ${min} to 1000000`;
  return z.int({ error: rule }).min(min, rule).max(1_000_000, rule);
}
