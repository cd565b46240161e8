/** How a program of a suite is run, and what it must do: its `name.json`, in either of the two published forms. */
export interface Description {
  /** After the program's own name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the suite that the program gets copies of, each with the guest's name for it. */
  readonly folders: readonly { readonly from: string; readonly guest: string }[];
  readonly exitCode: number;
  /** Exactly; anything when absent. */
  readonly stdout?: string;
  readonly stderr?: string;
}

/** The first form, as it is written. */
export interface FlatDescription {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** A folder beside the description, which the program sees as `/`. */
  root?: string;
  /** Several, each under the name given here. */
  dirs?: readonly string[];
  /** Default: 0. */
  exit_code?: number;
  stdout?: string;
  stderr?: string;
  /** Which functions the program is about: for people. */
  wasi_functions?: readonly string[];
}

/** The second form: what happens, one after the other. */
export interface StepDescription {
  operations: readonly Operation[];
  /** Parts of WASI beyond its core that the program needs; preview1 has none of them. */
  proposals?: readonly string[];
}

export interface Operation {
  type: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  root?: string;
  dirs?: readonly string[];
  /** Of `read`: `stdout` (the default) or `stderr`. */
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

/** Reads a description. Throws an `Error` that names what this runner does not do. */
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

/** The second form as the first: a program that is started, printed what is read, and ended. */
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
