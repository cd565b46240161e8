/**
 * Arguments and expected results of a program: its `name.json`, in one of two published forms.
 */
export interface Description {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the suite that are copied and preopened, with the guest's name of each. */
  readonly folders: readonly { readonly from: string; readonly guest: string }[];
  readonly exitCode: number;
  /** The exact output; any output if undefined. */
  readonly stdout?: string;
  readonly stderr?: string;
}

/** The first form. */
export interface FlatDescription {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** A folder beside the description, preopened as `/`. */
  root?: string;
  /** Folders that are preopened under their own names. */
  dirs?: readonly string[];
  /** Default: 0. */
  exit_code?: number;
  stdout?: string;
  stderr?: string;
  /** The functions that the program tests. Informative. */
  wasi_functions?: readonly string[];
}

/** The second form: a list of operations. */
export interface StepDescription {
  operations: readonly Operation[];
  /** Proposals that the program needs. Preview1 has none. */
  proposals?: readonly string[];
}

export interface Operation {
  type: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  root?: string;
  dirs?: readonly string[];
  /** Stream of a `read`: `stdout` (the default) or `stderr`. */
  id?: string;
  payload?: string;
  exit_code?: number;
}

const flatKeys = new Set([
  ...["args", "env", "root", "dirs", "exit_code", "stdout", "stderr", "wasi_functions"],
]);
const stepKeys = new Set(["operations", "proposals"]);
const operationKeys: Readonly<Record<string, ReadonlySet<string>>> = {
  run: new Set(["type", "args", "env", "root", "dirs"]),
  read: new Set(["type", "id", "payload"]),
  wait: new Set(["type", "exit_code"]),
};

/** Parses a description. Throws an `Error` that names what this runner does not support. */
export function readDescription(name: string, text: string): Description {
  const written = JSON.parse(text) as FlatDescription | StepDescription;
  const flat = "operations" in written ? flatten(name, written) : written;
  checkKeys(name, flat, flatKeys);
  const folders = [
    ...(flat.root === undefined ? [] : [{ from: flat.root, guest: "/" }]),
    ...(flat.dirs ?? []).map((dir) => ({ from: dir, guest: dir })),
  ];
  for (const { from } of folders) {
    if (from.startsWith("/") || from.split("/").includes("..")) {
      throw new Error(`${name}: ${from} does not lie in the suite`);
    }
  }
  return {
    args: flat.args ?? [],
    env: flat.env ?? {},
    folders,
    exitCode: flat.exit_code ?? 0,
    ...(flat.stdout === undefined ? {} : { stdout: flat.stdout }),
    ...(flat.stderr === undefined ? {} : { stderr: flat.stderr }),
  };
}

/** Converts the second form to the first. */
function flatten(name: string, written: StepDescription): FlatDescription {
  checkKeys(name, written, stepKeys);
  if (written.proposals && written.proposals.length > 0) {
    throw new Error(`${name}: preview1 does not have ${written.proposals.join(", ")}`);
  }
  const flat: FlatDescription = {};
  for (const operation of written.operations) {
    const keys = operationKeys[operation.type];
    if (keys === undefined) {
      throw new Error(`${name}: the runner does not know operation ${operation.type}`);
    }
    checkKeys(name, operation, keys);
    const { type, id = "stdout", payload = "", ...rest } = operation;
    if (type !== "read") Object.assign(flat, rest);
    else if (id !== "stdout" && id !== "stderr") {
      throw new Error(`${name}: the runner cannot read ${id}`);
    } else flat[id] = (flat[id] ?? "") + payload;
  }
  return flat;
}

function checkKeys(name: string, written: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(written).find((key) => !known.has(key));
  if (unknown !== undefined) throw new Error(`${name}: the runner does not know ${unknown}`);
}
