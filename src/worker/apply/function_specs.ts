import { parseDurationMs } from "../../base/units.ts";

/** The deployment of a revision. */
export interface RevisionSpec {
  readonly downloadUrl: string;
  /** The digest of its module; without it, the module that the URL led to is kept. */
  readonly sha256?: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  /** A process is stopped after this long without a request; as it is written: `60s`. */
  readonly idle?: string;
}

/** The deployment of a function. */
export interface FunctionSpec {
  /** The revision for requests that name none. */
  readonly defaultRevision?: string;
  readonly revisions: ReadonlyMap<string, RevisionSpec>;
}

/** Function → its deployment, desired or actual. */
export type FunctionSpecs = ReadonlyMap<string, FunctionSpec>;

/** Returns the names of the fields and variables that differ, except for `instances`. */
export function changedFields(before: RevisionSpec, after: RevisionSpec): string[] {
  const variables = new Set([
    ...Object.keys(before.envVariables),
    ...Object.keys(after.envVariables),
  ]);
  return [
    ...(before.downloadUrl === after.downloadUrl ? [] : ["downloadUrl"]),
    ...(after.sha256 === undefined || before.sha256 === after.sha256 ? [] : ["sha256"]),
    ...(idleMs(before) === idleMs(after) ? [] : ["idle"]),
    ...[...variables].filter((name) => valueOf(before, name) !== valueOf(after, name)).sort(),
  ];
}

const idleMs = ({ idle }: RevisionSpec): number => idle === undefined ? 0 : parseDurationMs(idle);

const valueOf = ({ envVariables }: RevisionSpec, name: string): string | undefined =>
  Object.hasOwn(envVariables, name) ? envVariables[name] : undefined;
