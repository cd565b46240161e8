import type { Deployments } from "./deployments.ts";
import type { FunctionInstance, InstanceStatus } from "./run/instance.ts";

/** An instance in the list. */
export interface ListedInstance {
  readonly localUrl: string | null;
  readonly remoteUrl: string;
  readonly envVariables: Readonly<Record<string, string>>;
  readonly state: InstanceStatus;
  readonly restarts: number;
  /** `null` without a process, or if it does not report in time. */
  readonly memoryBytes: number | null;
  readonly requests: number | null;
}

/** A revision in the list. */
export interface ListedRevision {
  readonly wasmRegistryUrl: string;
  readonly isDefaultRevision: boolean;
  readonly sha256: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  readonly idle: string | null;
  /** Keys are process ids; an instance without a process has `-1`, `-2`, … */
  readonly wasmModules: Readonly<Record<string, ListedInstance>>;
}

const metricsMs = 1000;

/** Returns function → revision → its settings and instances. */
export async function listDeployments(
  deployments: Deployments,
  remoteUrl: (...names: string[]) => string,
): Promise<Record<string, Record<string, ListedRevision>>> {
  const list = Array.from(deployments.desired, async ([name, { revisions, defaultRevision }]) => {
    const listed = Array.from(revisions, async ([revision, desired]) => {
      const { envVariables, sha256, idle = null } = desired;
      const found = deployments.find({ function: name, revision });
      const common = { remoteUrl: remoteUrl(name, revision), envVariables };
      const modules = await Promise.all(
        Array.from(found?.instances ?? [], async (instance, index) =>
          [
            instance.process?.id ?? `-${index + 1}`,
            { localUrl: instance.url ?? null, ...common, ...await statusOf(instance) },
          ] as const),
      );
      return [revision, {
        wasmRegistryUrl: desired.downloadUrl,
        isDefaultRevision: revision === defaultRevision,
        sha256,
        instances: desired.instances,
        envVariables,
        idle,
        wasmModules: Object.fromEntries(modules),
      }] as const;
    });
    return [name, Object.fromEntries(await Promise.all(listed))] as const;
  });
  return Object.fromEntries(await Promise.all(list));
}

async function statusOf(instance: FunctionInstance) {
  const { status: state, restarts, process } = instance;
  const metrics = await process?.metrics(metricsMs);
  return {
    state,
    restarts,
    memoryBytes: metrics?.memoryBytes ?? null,
    requests: instance.requests ?? metrics?.requests ?? null,
  };
}
