import type { RevisionSpec } from "./function_specs.ts";
import type { Step } from "./difference.ts";

/** Describes a step in one line: `+` adds, `~` changes, `-` removes. */
export function describe(step: Step): string {
  const { function: name } = step;
  switch (step.kind) {
    case "deploy":
      return `+ ${name} ${step.revision}: ${deploymentText(step.deployment)}`;
    case "replace":
      return `~ ${name} ${step.revision}: replaced, changes ${step.changed.join(", ")}`;
    case "scale":
      return `~ ${name} ${step.revision}: instances ${step.from} → ${step.to}`;
    case "set-default":
      return `~ ${name}: default revision ${step.from ?? "none"} → ${step.revision}`;
    case "remove-default":
      return `~ ${name}: default revision ${step.from} → none`;
    case "remove":
      return `- ${name} ${step.revision}`;
  }
}

function deploymentText({ downloadUrl, instances, envVariables, idle }: RevisionSpec): string {
  const variables = Object.keys(envVariables);
  return [
    downloadUrl,
    ...(instances === 1 ? [] : [`${instances} instances`]),
    ...(idle === undefined ? [] : [`idle ${idle}`]),
    ...(variables.length === 0 ? [] : [`with ${variables.join(", ")}`]),
  ].join(", ");
}
