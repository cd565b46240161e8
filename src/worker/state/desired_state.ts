import * as z from "zod";
import { isName, nameRule } from "../../base/function_names.ts";

/** No revision has more instances on one worker. */
export const maxInstances = 256;

/** What a revision of a function is, and how much of it there shall be. */
export interface DesiredRevision {
  readonly downloadUrl: string;
  /** Of the module that was fetched from there: 64 hexadecimal digits. */
  readonly sha256: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  /** A process without requests for so long is stopped until the next one; as it was written, such as `60s`. */
  readonly idle?: string;
}

export interface DesiredFunction {
  /** The revision that calls get which name none. */
  readonly defaultRevision?: string;
  readonly revisions: ReadonlyMap<string, DesiredRevision>;
}

/** Function → what shall run of it. Never changed: a change makes another. */
export type DesiredState = ReadonlyMap<string, DesiredFunction>;

/** The wanted state with another function in the place of this one; `undefined`, or one without revisions, takes it out. */
export function withFunction(
  wanted: DesiredState,
  name: string,
  next: DesiredFunction | undefined,
): DesiredState {
  const changed = new Map(wanted);
  if (next === undefined || next.revisions.size === 0) changed.delete(name);
  else changed.set(name, next);
  return changed;
}

/** The same for a revision; whatever revision goes is the default no more. */
export function withRevision(
  wanted: DesiredState,
  { name, revision }: { name: string; revision: string },
  next: DesiredRevision | undefined,
): DesiredState {
  const known = wanted.get(name);
  const revisions = new Map(known?.revisions);
  if (next === undefined) revisions.delete(revision);
  else revisions.set(revision, next);
  const isDefault = known?.defaultRevision !== undefined && revisions.has(known.defaultRevision);
  return withFunction(wanted, name, {
    revisions,
    ...(isDefault && { defaultRevision: known.defaultRevision }),
  });
}

/** A function's or a revision's name. `__proto__` is none: whoever reads JSON into an object loses it. */
export const nameSchema = z.string().refine((text) => isName(text) && text !== "__proto__", {
  message: `must be ${nameRule}, and not __proto__`,
});
const revision = z.strictObject({
  downloadUrl: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  instances: z.number().int().min(0),
  envVariables: z.record(z.string(), z.string()),
  idle: z.string().optional(),
});
const wantedFunction = z.strictObject({
  defaultRevision: nameSchema.optional(),
  revisions: z.record(nameSchema, revision),
});

/** As the state file has it. */
export const desiredStateSchema = z.record(nameSchema, wantedFunction).transform((
  functions,
): DesiredState =>
  new Map(
    Object.entries(functions).map(([name, { revisions, defaultRevision }]) => [
      name,
      {
        revisions: new Map(Object.entries(revisions)),
        ...(defaultRevision && { defaultRevision }),
      },
    ]),
  )
);

/** As JSON, which `desiredStateSchema` reads. */
export function encodeDesiredState(wanted: DesiredState): unknown {
  return Object.fromEntries(
    Array.from(wanted, ([name, { revisions, ...more }]) => [
      name,
      { ...more, revisions: Object.fromEntries(revisions) },
    ]),
  );
}
