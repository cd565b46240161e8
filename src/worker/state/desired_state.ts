import * as z from "zod";
import { instancesFrom, name, revisionFields } from "../revision_schema.ts";

/** The desired state of a revision. */
export interface DesiredRevision {
  readonly downloadUrl: string;
  /** Digest of the module: 64 hexadecimal digits. */
  readonly sha256: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  /** A process is stopped after this long without a request; as it is written: `60s`. */
  readonly idle?: string;
}

/** The desired state of a function. */
export interface DesiredFunction {
  /** The revision for requests that name none. */
  readonly defaultRevision?: string;
  readonly revisions: ReadonlyMap<string, DesiredRevision>;
}

/** Function → its desired state. Immutable. */
export type DesiredState = ReadonlyMap<string, DesiredFunction>;

/** Returns the state with a function replaced; `undefined` or no revisions removes it. */
export function withFunction(
  desired: DesiredState,
  name: string,
  next: DesiredFunction | undefined,
): DesiredState {
  const changed = new Map(desired);
  if (next === undefined || next.revisions.size === 0) changed.delete(name);
  else changed.set(name, next);
  return changed;
}

/** Returns the state with a revision replaced or removed; a removed one is not the default. */
export function withRevision(
  desired: DesiredState,
  { name, revision }: { name: string; revision: string },
  next: DesiredRevision | undefined,
): DesiredState {
  const known = desired.get(name);
  const revisions = new Map(known?.revisions);
  if (next === undefined) revisions.delete(revision);
  else revisions.set(revision, next);
  const isDefault = known?.defaultRevision !== undefined && revisions.has(known.defaultRevision);
  return withFunction(desired, name, {
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

/** A schema for the desired state in the state file. */
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

/** Encodes the state as JSON that `desiredStateSchema` decodes. */
export function encodeDesiredState(desired: DesiredState): unknown {
  return Object.fromEntries(
    Array.from(desired, ([name, { revisions, ...more }]) => [
      name,
      { ...more, revisions: Object.fromEntries(revisions) },
    ]),
  );
}
