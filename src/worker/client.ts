import * as z from "zod";
import { AdminCallError, type AdminServer, callAdmin } from "../client/call_admin.ts";
import type { FunctionSpecs, RevisionSpec } from "./apply/function_specs.ts";
import type { RevisionName } from "./deploy_request.ts";

/** Options of a worker's client. */
export type WorkerClientOptions = Omit<AdminServer, "label" | "timeoutMs">;

/** The result of a change. */
export interface ChangeResult {
  /** False while the proxy does not have the new routes yet. */
  readonly registered: boolean;
}

/** Timeout of a change: a deployment downloads a module, a removal waits for running requests. */
const changeMs = 10 * 60_000;

/** A client of a worker's API. Every method throws an `AdminCallError`. */
export class WorkerClient {
  readonly #server: AdminServer;

  constructor(options: WorkerClientOptions) {
    this.#server = { label: "the worker", ...options };
  }

  /** Returns the functions that are deployed. */
  async list(): Promise<FunctionSpecs> {
    const list = listed.safeParse(
      await callAdmin(this.#server, { method: "GET", path: "functions/list" }),
    );
    if (list.success) return list.data;
    const [issue] = list.error.issues;
    const reason = `${issue?.path.join(".")}: ${issue?.message}`;
    throw new AdminCallError(
      200,
      "HTTP",
      `the list of the worker ${this.#server.url} is invalid: ${reason}`,
    );
  }

  /** Deploys a new revision. */
  async deploy(target: RevisionName, deployment: RevisionSpec): Promise<ChangeResult> {
    return await this.#change("POST", "deploy", { ...target, ...deployment });
  }

  /** Replaces a deployed revision without downtime. */
  async replace(target: RevisionName, deployment: RevisionSpec): Promise<ChangeResult> {
    return await this.#change("POST", "deploy", { ...target, ...deployment, replace: true });
  }

  async scale(target: RevisionName, instances: number): Promise<ChangeResult> {
    return await this.#change("POST", "scale", { ...target, instances });
  }

  async setDefault(target: RevisionName): Promise<ChangeResult> {
    return await this.#change("POST", "set_default_revision", { ...target });
  }

  async removeDefault(name: string): Promise<ChangeResult> {
    return await this.#change("DELETE", "remove_default_revision", { function: name });
  }

  async remove(target: RevisionName): Promise<ChangeResult> {
    return await this.#change("DELETE", "revisions/deployments", { ...target });
  }

  async #change(
    method: string,
    path: string,
    body: Record<string, unknown>,
  ): Promise<ChangeResult> {
    const server = { ...this.#server, timeoutMs: changeMs };
    const answer = await callAdmin(server, { method, path: `functions/${path}`, body });
    return { registered: Reflect.get(Object(answer), "registered") !== false };
  }
}

const revision = z.object({
  wasmRegistryUrl: z.string(),
  isDefaultRevision: z.boolean(),
  sha256: z.string(),
  instances: z.number(),
  envVariables: z.record(z.string(), z.string()),
  idle: z.string().nullable(),
});
const listed = z.record(z.string(), z.record(z.string(), revision)).transform((
  functions,
): FunctionSpecs =>
  new Map(
    Object.entries(functions).map(([name, revisions]) => [name, {
      revisions: new Map(Object.entries(revisions).map(([key, each]) => [key, deploymentOf(each)])),
      defaultRevision: Object.keys(revisions).find((key) => revisions[key]?.isDefaultRevision),
    }]),
  )
);

function deploymentOf(listed: z.infer<typeof revision>): RevisionSpec {
  const { wasmRegistryUrl: downloadUrl, sha256, instances, envVariables, idle } = listed;
  return { downloadUrl, sha256, instances, envVariables, ...(idle !== null && { idle }) };
}
