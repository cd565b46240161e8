import type { Context } from "../base/context.ts";
import {
  ComponentFunctions,
  type ComponentOptions,
} from "../function/component/component_functions.ts";
import { type ComponentBlueprint, loadComponent } from "../function/component/load_component.ts";
import { systemClock } from "../wasi/clock.ts";
import type { InterfaceMaker, P2Options } from "../wasi/p2/host.ts";
import {
  atomicsInterface,
  batchInterface,
  type GuestStore,
  keyValueInterface,
  spinKeyValueInterface,
} from "../wasi/p2/key_value.ts";
import { type HttpSender, outgoingHandlerInterface } from "../wasi/p2/outgoing_handler.ts";
import type { SocketGrant } from "../wasi/p2/sockets/socket_grant.ts";
import type { P2Interface, P2State } from "../wasi/p2/state.ts";
import type { P3Context } from "../wasi/p3/context.ts";
import { BytesInput, FunctionOutput } from "../wasi/p2/stream_sources.ts";
import type { Guest } from "../wasm/guest.ts";
import type { Preopen } from "../wasi/wasi.ts";
import type { LoadedCode } from "./load_code.ts";
import { openGuestStore, type OpenStore } from "./guest_store.ts";
import { openOutgoingHttp } from "./outgoing_http.ts";
import { guestEnvironment, type OpenedModule } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";
import { openBudget } from "./open_budget.ts";

/** A component to run, with its grants and limits. */
export interface ComponentRunnerOptions extends Omit<RunnerOptions, "blueprint"> {
  readonly code: LoadedCode & { readonly kind: "component" };
  readonly args: readonly string[];
  /** Returns the standard streams of an instance. Default: no input, output to the sinks. */
  readonly streams?: (
    guest: Guest,
  ) => Pick<P2State, "stdin" | "stdout" | "stderr" | "terminals">;
}

/**
 * Opens a component with its grants.
 *
 * @throws CapsuleError `LOAD` and `DIR`.
 */
export async function openComponent(
  options: ComponentRunnerOptions,
  context: Context,
): Promise<OpenedModule<ComponentFunctions>> {
  const { code, name, limits, sinks, grants, args, streams = outputOnly } = options;
  const blueprint = loadComponent(code.bytes, {
    ...code.options,
    middleware: code.middleware,
    warn: (sentence) => context.log.warn(sentence),
  });
  const env = grants.variables.length === 0
    ? []
    : Object.entries(await guestEnvironment(grants, context));
  const preopens = grants.sandbox || grants.folders.length === 0
    ? []
    : (await import("./granted_files.ts")).preopensOf(options, context.io).map(opened);
  const outgoing = await openOutgoingHttp(options);
  const sockets = blueprint.usesSockets ? await openSockets(options) : undefined;
  const store = importsStore(blueprint) ? await openGuestStore(options, context) : undefined;
  const { preview1: replaced } = blueprint.plan;
  const preview1 = replaced &&
    await (await import("../wasi/p2/preview1.ts")).loadPreview1(replaced.functions);
  const p3 = blueprint.plan.isAsync ? await openP3(blueprint) : undefined;
  const clock = systemClock();
  const baseName = name.slice(name.lastIndexOf("/") + 1);
  const wasi: ComponentOptions["wasi"] = (guest) => {
    const http = outgoing.forGuest(guest);
    // Both versions share the grant, which remembers the names that the guest looked up.
    const grant = sockets?.grantFor();
    return {
      preopens,
      preview1,
      p3: p3?.(http, grant),
      interfaces: {
        "wasi:http/outgoing-handler": (state) => outgoingHandlerInterface(state, http),
        ...(grant && sockets?.interfaces(grant)),
        ...(store && storeInterfaces(store, guest)),
      },
      state: {
        args: [baseName, ...args],
        env,
        clock,
        random: (bytes) => void crypto.getRandomValues(bytes),
        pending: new Set(),
        assertInTime: () => guest.assertInTime(),
        beforeSideEffect: () => guest.beforeSideEffect(),
        ...streams(guest),
      },
    };
  };
  const callee = ComponentFunctions.start(blueprint, {
    name,
    limits,
    maxInstances: limits.maxInstances,
    maxQueue: limits.maxQueue,
    sinks,
    budget: openBudget(limits),
    wasi,
    reuse: code.options.reuse,
  });
  const close = async () => {
    callee.close();
    for (const { close } of preopens) close();
    await Promise.all([outgoing.close(), store?.close()]);
  };
  return { callee, close };
}

/** Returns a function that makes WASI 0.3 for a guest. */
async function openP3(
  { usesSockets }: ComponentBlueprint,
): Promise<(http: HttpSender, grant: SocketGrant | undefined) => NonNullable<P2Options["p3"]>> {
  const [{ p3Interface }, { httpClientInterface }] = await Promise.all([
    import("../wasi/p3/interfaces.ts"),
    import("../wasi/p3/http_client.ts"),
  ]);
  const sockets = usesSockets ? await import("../wasi/p3/sockets/sockets.ts") : undefined;
  return (http, grant) => {
    const granted = {
      "wasi:http/client": (context: P3Context) => httpClientInterface(context, http),
      ...(grant && sockets?.socketInterfaces(grant)),
    };
    return (name, context) => p3Interface(name, context, granted);
  };
}

/** Returns functions that make the grant of a guest's sockets, and its `wasi:sockets` of 0.2. */
async function openSockets({ grants }: Pick<RunnerOptions, "grants">): Promise<{
  readonly grantFor: () => SocketGrant;
  readonly interfaces: (grant: SocketGrant) => Record<string, InterfaceMaker>;
}> {
  const [{ socketInterfaces }, { socketGrants }] = await Promise.all([
    import("../wasi/p2/sockets/sockets.ts"),
    import("./socket_grants.ts"),
  ]);
  return { grantFor: socketGrants(grants), interfaces: socketInterfaces };
}

/** The interfaces that need the key-value store, by name. */
const storeMakers: Readonly<Record<string, (state: P2State, store: GuestStore) => P2Interface>> = {
  "wasi:keyvalue/store": keyValueInterface,
  "wasi:keyvalue/atomics": atomicsInterface,
  "wasi:keyvalue/batch": batchInterface,
  "fermyon:spin/key-value": spinKeyValueInterface,
};

function importsStore({ plan }: ComponentBlueprint): boolean {
  return [...plan.imports.keys()].some((name) => storeMakers[name.replace(/@.*/, "")]);
}

function storeInterfaces(opened: OpenStore, guest: Guest): Record<string, InterfaceMaker> {
  const store = opened.forGuest(guest);
  return Object.fromEntries(
    Object.entries(storeMakers).map(([name, make]) => [name, (state) => make(state, store)]),
  );
}

/** Opens a preopened folder when a guest first uses it; all instances share it. */
function opened({ guest, open }: Preopen) {
  let folder: ReturnType<typeof open> | undefined;
  return { guest, folder: () => folder ??= open(), close: () => folder?.close() };
}

function outputOnly(guest: Guest): ReturnType<NonNullable<ComponentRunnerOptions["streams"]>> {
  const write = (descriptor: 1 | 2) => () =>
    new FunctionOutput((bytes) => {
      guest.output.write(descriptor, bytes);
      guest.limitBufferedOutput();
    });
  return {
    stdin: () => new BytesInput(new Uint8Array(0)),
    stdout: write(1),
    stderr: write(2),
    terminals: { stdin: false, stdout: false, stderr: false },
  };
}
