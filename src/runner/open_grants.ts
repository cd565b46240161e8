import type { Context } from "../base/context.ts";
import type { HostFamily } from "../host/host_function.ts";
import { loadFamilies } from "../wasi/imports.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import { openHostFamilies } from "./host_families.ts";
import type { Grants, RunnerOptions } from "./runner_options.ts";

/** The imports of a module, and what was opened for them. */
export interface OpenGrants {
  readonly families: readonly HostFamily[];
  readonly wasi: Pick<WasiOptions, "families" | "env" | "preopens">;
  close(): Promise<void>;
}

/**
 * Opens the grants of a module, as far as it imports functions for them.
 *
 * @throws CapsuleError `DIR`, `NET_RULE` and those of the stores, for what cannot be granted.
 */
export async function openGrants(options: RunnerOptions, context: Context): Promise<OpenGrants> {
  const { blueprint, grants } = options;
  const names = WebAssembly.Module.imports(blueprint.module).map(({ name }) => name);
  const env = grants.variables.length === 0 ? {} : await guestEnvironment(grants, context);
  const preopens = grants.sandbox || grants.folders.length === 0
    ? []
    : (await import("./granted_files.ts")).preopensOf(options, context.io);
  if (preopens.length > 0) warnOfRelativeFolders(options, context);
  const host = await openHostFamilies(names, options, context);
  return {
    families: host.families,
    wasi: { families: await loadFamilies(names), env, preopens },
    close: host.close,
  };
}

/** A module opened with its grants; both are closed together. */
export interface OpenedModule<Callee> {
  readonly callee: Callee;
  close(): Promise<void>;
}

/**
 * Opens the grants of a module and passes them to `open`. If that fails, the grants are closed.
 *
 * @throws as `openGrants` and `open` do.
 */
export async function openWithGrants<Callee extends { close(): void }>(
  options: RunnerOptions,
  context: Context,
  open: (grants: OpenGrants) => Callee | Promise<Callee>,
): Promise<OpenedModule<Callee>> {
  const grants = await openGrants(options, context);
  try {
    const callee = await open(grants);
    return {
      callee,
      close: async () => {
        callee.close();
        await grants.close();
      },
    };
  } catch (error) {
    await grants.close();
    throw error;
  }
}

/** Custom section that Go's compiler writes, unlike TinyGo's. */
const goSection = "go:buildid";

/** Warns if a Go program is granted relative folders only: Go resolves paths to absolute ones. */
function warnOfRelativeFolders(
  { blueprint, name, grants: { folders } }: RunnerOptions,
  { log }: Context,
): void {
  const [folder] = folders;
  if (!folder || folders.some(({ guest }) => guest.startsWith("/"))) return;
  if (WebAssembly.Module.customSections(blueprint.module, goSection).length === 0) return;
  log.warn(
    `${name} is built by Go, whose programs see only folders with an absolute name: ` +
      `-dir=${folder.host}::/ gives it one`,
  );
}

/** Returns the environment of WASI: the granted variables, except secrets of the launcher. */
export async function guestEnvironment(
  { variables }: Grants,
  { io, log }: Context,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  const { isLauncherSecret } = await import("../host/env.ts");
  for (const { name, value } of variables) {
    const given = value ?? io.env.get(name);
    if (given === undefined) {
      log.warn(`-env=${name} is left out: the launcher has no variable of that name`);
    } else if (value === undefined && isLauncherSecret(name, given)) {
      log.warn(`-env=${name} is left out: it belongs to the launcher itself`);
    } else environment[name] = given;
  }
  return environment;
}
