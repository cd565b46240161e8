import { parseDurationMs } from "../../base/units.ts";

/** What a revision of a function is, and how many processes serve it. */
export interface RevisionSpec {
  readonly downloadUrl: string;
  /** The digest that its module has, or must have; without it, whatever the URL led to is right. */
  readonly sha256?: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  /** A process without requests for so long is stopped until the next one; as it was written, such as `60s`. */
  readonly idle?: string;
}

export interface FunctionSpec {
  /** The revision that calls get which name none. */
  readonly defaultRevision?: string;
  readonly revisions: ReadonlyMap<string, RevisionSpec>;
}

/** Function → what shall run of it, or does. */
export type FunctionSpecs = ReadonlyMap<string, FunctionSpec>;

/** What differs between two deployments, but for the number of instances: names of fields and of variables, never a value. */
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
