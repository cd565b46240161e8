import type { Deployments } from "./deployments.ts";
import type { FunctionInstance, InstanceStatus } from "./run/instance.ts";

/** One process, or a place for one, as the list shows it. */
export interface ListedInstance {
  readonly localUrl: string | null;
  readonly remoteUrl: string;
  readonly envVariables: Readonly<Record<string, string>>;
  readonly state: InstanceStatus;
  readonly restarts: number;
  /** `null` where there is no process, or it does not say. */
  readonly memoryBytes: number | null;
  readonly requests: number | null;
}

/** A revision as the list shows it. */
export interface ListedRevision {
  readonly wasmRegistryUrl: string;
  readonly isDefaultRevision: boolean;
  readonly sha256: string;
  readonly instances: number;
  readonly envVariables: Readonly<Record<string, string>>;
  readonly idle: string | null;
  /** By the number of the process; one that has none is `-1`, `-2`, … */
  readonly wasmModules: Readonly<Record<string, ListedInstance>>;
}

const figuresMs = 1000;

/** function → revision → what runs of it. */
export async function listDeployments(
  deployments: Deployments,
  remoteUrl: (...names: string[]) => string,
): Promise<Record<string, Record<string, ListedRevision>>> {
  const list = Array.from(deployments.wanted, async ([name, { revisions, defaultRevision }]) => {
    const listed = Array.from(revisions, async ([revision, wanted]) => {
      const { envVariables, sha256, idle = null } = wanted;
      const found = deployments.find({ function: name, revision });
      const common = { remoteUrl: remoteUrl(name, revision), envVariables };
      const modules = await Promise.all(
        Array.from(found?.instances ?? [], async (instance, index) =>
          [
            instance.process?.id ?? `-${index + 1}`,
            { localUrl: instance.url ?? null, ...common, ...await conditionOf(instance) },
          ] as const),
      );
      return [revision, {
        wasmRegistryUrl: wanted.downloadUrl,
        isDefaultRevision: revision === defaultRevision,
        sha256,
        instances: wanted.instances,
        envVariables,
        idle,
        wasmModules: Object.fromEntries(modules),
      }] as const;
    });
    return [name, Object.fromEntries(await Promise.all(listed))] as const;
  });
  return Object.fromEntries(await Promise.all(list));
}

async function conditionOf(instance: FunctionInstance) {
  const { status: state, restarts, process } = instance;
  const figures = await process?.metrics(figuresMs);
  return {
    state,
    restarts,
    memoryBytes: figures?.memoryBytes ?? null,
    requests: instance.requests ?? figures?.requests ?? null,
  };
}
