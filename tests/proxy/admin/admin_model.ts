import fc from "fast-check";

/** function → revision → URLs: a simple model of the routes. */
export type Model = Map<string, Map<string, string[]>>;

const kinds = [
  "register",
  "add-revision",
  "add-url",
  "remove-url",
  "remove-function",
  "remove-revision",
  "remove-empty",
] as const;

/** A call of the admin interface; not every kind uses every field. */
export interface Command {
  readonly kind: typeof kinds[number];
  readonly name: string;
  readonly revision: string;
  readonly where: string;
}

/** Generates calls with few names, so that they affect each other. */
export function commands(where: readonly string[]): fc.Arbitrary<Command> {
  return fc.record({
    kind: fc.constantFrom(...kinds),
    name: fc.constantFrom("f", "g", "__proto__"),
    revision: fc.constantFrom("default", "blue"),
    where: fc.constantFrom(...where),
  });
}

/** Changes the model and returns the expected status. */
export function applyTo(model: Model, { kind, name, revision, where }: Command): number {
  const revisions = model.get(name);
  const urls = revisions?.get(revision);
  switch (kind) {
    case "register":
      if (urls) return 409;
      model.set(name, (revisions ?? new Map()).set(revision, [where]));
      return 202;
    case "add-revision":
      if (!revisions) return 404;
      if (urls) return 409;
      revisions.set(revision, [where]);
      return 202;
    case "add-url":
      if (!urls) return 404;
      if (urls.includes(where)) return 409;
      urls.push(where);
      return 202;
    case "remove-url":
      if (!urls?.includes(where)) return 404;
      urls.splice(urls.indexOf(where), 1);
      return 202;
    case "remove-revision":
      return revisions?.delete(revision) ? 202 : 404;
    case "remove-empty":
      if (!revisions || !urls) return 404;
      if (urls.length > 0) return 409;
      if (revisions.size === 1) model.delete(name);
      else revisions.delete(revision);
      return 202;
    case "remove-function":
      return model.delete(name) ? 202 : 404;
  }
}

/** Returns the method, the path behind `/memory/functions/` and the body of a call. */
export function callOf(
  { kind, name, revision, where }: Command,
): [method: string, path: string, body: unknown] {
  switch (kind) {
    case "register":
      return ["POST", "registration", { function: name, revision, url: where }];
    case "remove-function":
      return ["DELETE", "registration", { function: name }];
    case "add-revision":
      return ["POST", `${name}/revision`, { revision, url: where }];
    case "remove-revision":
      return ["DELETE", `${name}/revision`, { revision }];
    case "remove-empty":
      return ["DELETE", `${name}/revision`, { revision, ifEmpty: true }];
    case "add-url":
      return ["POST", `${name}/${revision}/url`, { url: where }];
    case "remove-url":
      return ["DELETE", `${name}/${revision}/url`, { url: where }];
  }
}
