import * as z from "zod";
import { instancesFrom, name, revisionFields } from "../revision_schema.ts";

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

const revision = z.strictObject({
  downloadUrl: revisionFields.downloadUrl,
  sha256: revisionFields.sha256,
  instances: instancesFrom(0),
  envVariables: z.record(z.string(), z.string()),
  idle: revisionFields.idle.optional(),
});
const wantedFunction = z.strictObject({
  defaultRevision: name.optional(),
  revisions: z.record(name, revision),
});

/** As the state file has it. */
export const desiredStateSchema = z.record(name, wantedFunction).transform((
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
