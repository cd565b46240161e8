import { fileURLToPath } from "node:url";
import { type ServerProcess, startServer } from "./processes.ts";
import type { Other } from "./row.ts";

/** A server that can be started; its name is the `who` of a line. */
export interface Contender {
  readonly name: string;
  start(module: string): Promise<ServerProcess>;
}

/** The project's folder, with a final slash. */
export const root = fileURLToPath(new URL("../../", import.meta.url));
const deno = Deno.execPath();

/** The variable that `hello` reads. */
export const env = { MESSAGE: "hello from the bench" };

/** Paths of the modules that the rows call. */
export const modules = {
  hello: `${root}examples/hello-http/hello.wasm`,
  helloCli: `${root}examples/hello-cli/hello.wasm`,
  leaking: `${root}tests/testdata/go/leaking/leaking.wasm`,
  allocate: `${root}tests/testdata/go/allocate/allocate.wasm`,
  compute: `${root}tests/testdata/go/compute/compute.wasm`,
  stores: `${root}tests/testdata/go/stores/stores.wasm`,
  loop: `${root}tests/testdata/go/loop/loop.wasm`,
  upstream: `${root}tests/testdata/go/upstream/upstream.wasm`,
  component: `${root}examples/component-rust/component_rust.wasm`,
  componentAdapted: `${root}tests/testdata/rust/adapted/adapted.wasm`,
  service: `${root}tests/testdata/rust/service/service.wasm`,
  componentWork: `${root}tests/testdata/rust/work/work.wasm`,
} as const;

/** The command of this launcher, run from its sources. */
export const capsule = [deno, "run", "-A", `${root}main.ts`] as const;

/** Starts a program of `servers/`. */
export function startOwnServer(name: string, ...args: string[]): Promise<ServerProcess> {
  return startServer(
    (port) => [deno, "run", "-A", `${root}scripts/bench/servers/${name}.ts`, `${port}`, ...args],
    env,
  );
}

/** Starts this launcher on one thread; other flags keep their defaults unless given. */
export function startOurs(module: string, ...flags: string[]): Promise<ServerProcess> {
  return startOursWith(env, module, ...flags);
}

/** Starts this launcher like `startOurs`, with these variables. */
export function startOursWith(
  variables: Record<string, string>,
  module: string,
  ...flags: string[]
): Promise<ServerProcess> {
  const args = ["-mode=http", "-threads=1", `-wasm=${module}`, ...flags];
  return startServer((port) => [...capsule, ...args, `-httpPort=${port}`], variables);
}

export const bare: Contender = { name: "bare Deno.serve", start: () => startOwnServer("bare") };
export const ours: Contender = { name: "ours", start: (module) => startOurs(module) };
export const oursReuse: Contender = {
  name: "ours -reuse",
  start: (module) => startOurs(module, "-reuse"),
};
export const naive: Contender = {
  name: "naive new instance",
  start: (module) => startOwnServer("naive", module),
};

/** Returns a launcher named on the command line. */
export function other({ name, words }: Other): Contender {
  const [binary = "", ...args] = words;
  const given = args.length > 0 ? args : ["-mode=http", "-wasm={wasm}", "-httpPort={port}"];
  const filled = (module: string, port: number) =>
    given.map((word) => word.replaceAll("{wasm}", module).replaceAll("{port}", `${port}`));
  return { name, start: (module) => startServer((port) => [binary, ...filled(module, port)], env) };
}

/** Path of the program that `deno task compile` makes. */
export const compiled = `${root}dist/capsule`;

/** Reports whether `deno task compile` has been run. */
export function isCompiled(): boolean {
  try {
    return Deno.statSync(compiled).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
