import { HttpError } from "../server/http_error.ts";
import type { SyncResult } from "./routes/route_reconciler.ts";
import { maxInstances } from "./revision_schema.ts";
import type { DesiredRevision } from "./state/desired_state.ts";

/** The name of a revision. */
export interface RevisionName {
  readonly function: string;
  readonly revision: string;
}

/** A request to deploy a revision. */
export interface DeployRequest extends RevisionName {
  readonly downloadUrl: string;
  readonly sha256?: string;
  /**
   * Instances to add, default 1. With `replace`, their total; by default as many as there were.
   */
  readonly instances?: number;
  /** Replaces the revision of this name once the new instances run. */
  readonly replace?: boolean;
  readonly envVariables?: Readonly<Record<string, string>>;
  readonly idle?: string;
}

/** The result of a deployment. */
export interface DeployResult {
  /** URLs of the instances that were added. */
  readonly urls: readonly string[];
  readonly registration: SyncResult;
}

/**
 * Checks the number of instances of a revision.
 *
 * @throws HttpError 400 `TOO_MANY_INSTANCES`
 */
export function assertCount(instances: number): void {
  if (instances <= maxInstances) return;
  throw new HttpError(
    400,
    "TOO_MANY_INSTANCES",
    `a revision has at most ${maxInstances} instances on a worker, got ${instances}`,
  );
}

/**
 * Checks that a request adds instances of the same deployment to a revision.
 *
 * @throws HttpError 409 `REVISION_DIFFERS`
 */
export function assertSame(asked: DeployRequest, known: DesiredRevision): void {
  const differs = (field: string, from: string) =>
    new HttpError(
      409,
      "REVISION_DIFFERS",
      `${asked.revision} of ${asked.function} is deployed with another ${field} (${from}): deploy another revision, ` +
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
