import { HttpError } from "../server/http_error.ts";
import type { SyncResult } from "./routes/route_reconciler.ts";
import { maxInstances } from "./revision_schema.ts";
import type { DesiredRevision } from "./state/desired_state.ts";

/** A revision, named. */
export interface RevisionName {
  readonly function: string;
  readonly revision: string;
}

/** What is asked for. */
export interface DeployRequest extends RevisionName {
  readonly downloadUrl: string;
  readonly sha256?: string;
  /** So many more than there are, 1 if not given; with `replace` so many in all, as many as there are if not given. */
  readonly instances?: number;
  /** Takes the place of what is deployed under this name, once it runs. */
  readonly replace?: boolean;
  readonly envVariables?: Readonly<Record<string, string>>;
  readonly idle?: string;
}

/** What became of it. */
export interface DeployResult {
  /** Of the instances that were added. */
  readonly urls: readonly string[];
  readonly registration: SyncResult;
}

/** @throws HttpError 400 `TOO_MANY_INSTANCES` */
export function assertCount(instances: number): void {
  if (instances <= maxInstances) return;
  throw new HttpError(
    400,
    "TOO_MANY_INSTANCES",
    `a revision has at most ${maxInstances} instances on a worker: ${instances} were asked for`,
  );
}

/**
 * A revision is what it was deployed as: more of it is more of the same.
 *
 * @throws HttpError 409 `REVISION_DIFFERS`
 */
export function assertSame(asked: DeployRequest, known: DesiredRevision): void {
  const differs = (what: string, from: string) =>
    new HttpError(
      409,
      "REVISION_DIFFERS",
      `${asked.revision} of ${asked.function} is deployed with another ${what} (${from}): deploy another revision, ` +
        `or this one with "replace": true`,
    );
  const { downloadUrl, sha256, idle, envVariables } = known;
  if (asked.downloadUrl !== downloadUrl) throw differs("downloadUrl", downloadUrl);
  if (asked.sha256 !== undefined && asked.sha256 !== sha256) throw differs("sha256", sha256);
  if (asked.idle !== undefined && asked.idle !== idle) throw differs("idle", idle ?? "none");
  if (asked.envVariables === undefined) return;
  for (const name of Object.keys({ ...asked.envVariables, ...envVariables })) {
    if (asked.envVariables[name] !== envVariables[name]) throw differs("envVariables", name);
  }
}
