import {
  changedFields,
  type FunctionSpec,
  type FunctionSpecs,
  type RevisionSpec,
} from "./function_specs.ts";

/** A call to the worker. */
export type Step =
  & { readonly function: string }
  & (
    | { readonly kind: "deploy"; readonly revision: string; readonly deployment: RevisionSpec }
    | {
      readonly kind: "replace";
      readonly revision: string;
      readonly deployment: RevisionSpec;
      /** Names of the fields and variables that differ. */
      readonly changed: readonly string[];
    }
    | {
      readonly kind: "scale";
      readonly revision: string;
      readonly from: number;
      readonly to: number;
    }
    | { readonly kind: "set-default"; readonly revision: string; readonly from: string | undefined }
    | { readonly kind: "remove-default"; readonly from: string }
    | { readonly kind: "remove"; readonly revision: string }
  );

/**
 * Returns the steps from the actual to the desired state, function by function. Their order keeps
 * every request working: new revisions first, then the default revision, then removals.
 */
export function difference(desired: FunctionSpecs, actual: FunctionSpecs): Step[] {
  const names = [...new Set([...desired.keys(), ...actual.keys()])].sort();
  return names.flatMap((name) => {
    const wants = desired.get(name) ?? nothing;
    const has = actual.get(name) ?? nothing;
    const { comes, goes } = revisionSteps(name, wants, has);
    return [...comes, ...defaultSteps(name, wants, has), ...goes];
  });
}

/** Returns the desired state with everything of the actual state that it does not mention. */
export function keeping(desired: FunctionSpecs, actual: FunctionSpecs): FunctionSpecs {
  const all = new Map(actual);
  for (const [name, { revisions, defaultRevision }] of desired) {
    const has = actual.get(name) ?? nothing;
    all.set(name, {
      revisions: new Map([...has.revisions, ...revisions]),
      defaultRevision: defaultRevision ?? has.defaultRevision,
    });
  }
  return all;
}

const nothing: FunctionSpec = { revisions: new Map() };

function revisionSteps(name: string, wants: FunctionSpec, has: FunctionSpec) {
  const comes: Step[] = [];
  const goes: Step[] = [];
  for (const [revision, deployment] of wants.revisions) {
    const before = has.revisions.get(revision);
    const where = { function: name, revision };
    const changed = before === undefined ? [] : changedFields(before, deployment);
    if (before === undefined) comes.push({ kind: "deploy", ...where, deployment });
    else if (changed.length > 0) comes.push({ kind: "replace", ...where, deployment, changed });
    else if (before.instances !== deployment.instances) {
      const scale: Step = {
        kind: "scale",
        ...where,
        from: before.instances,
        to: deployment.instances,
      };
      (deployment.instances > before.instances ? comes : goes).push(scale);
    }
  }
  for (const revision of has.revisions.keys()) {
    if (!wants.revisions.has(revision)) goes.push({ kind: "remove", function: name, revision });
  }
  return { comes, goes };
}

function defaultSteps(name: string, wants: FunctionSpec, has: FunctionSpec): Step[] {
  const { defaultRevision: from } = has;
  const { defaultRevision: to } = wants;
  if (to === from) return [];
  if (to !== undefined) return [{ kind: "set-default", function: name, revision: to, from }];
  // Removing a revision removes the default as well.
  const stays = from !== undefined && wants.revisions.has(from);
  return stays ? [{ kind: "remove-default", function: name, from }] : [];
}
