import type { Host, HostFunction, HostTasks, Preview1 } from "../../component/instance/host.ts";
import type { Item } from "../../component/link/items.ts";
import { parseExternName } from "../../component/types/names.ts";
import type { Resource } from "../../component/types/types.ts";
import { type Parent, requireNoChildren } from "./children.ts";
import {
  environmentInterface,
  exitInterface,
  standardStreamInterfaces,
  terminalInterfaces,
} from "./cli.ts";
import { monotonicClockInterface, timezoneInterface, wallClockInterface } from "./clocks.ts";
import { configInterface, spinVariablesInterface } from "./config.ts";
import { filesystemInterface, type P2Preopen, preopensInterface } from "./filesystem.ts";
import { httpTypesInterface } from "./http_types.ts";
import { loggingInterface } from "./logging.ts";
import { pollInterface } from "./poll.ts";
import { insecureInterface, insecureSeedInterface, randomInterface } from "./random.ts";
import type { P2Function, P2Interface, P2State } from "./state.ts";
import { errorInterface, streamsInterface } from "./streams.ts";

/** Interfaces without functions: their types and resources alone are imported. */
const typesOnly: P2Interface = { functions: {} };

/** Makes an interface for one guest. */
export type InterfaceMaker = (state: P2State) => P2Interface;

/** The interfaces that need no grant, by name. */
const makers: Readonly<
  Record<string, (state: P2State, preopens: readonly P2Preopen[]) => P2Interface>
> = {
  "wasi:io/error": () => errorInterface,
  "wasi:io/poll": pollInterface,
  "wasi:io/streams": streamsInterface,
  "wasi:clocks/monotonic-clock": monotonicClockInterface,
  "wasi:clocks/wall-clock": wallClockInterface,
  "wasi:clocks/timezone": () => timezoneInterface,
  "wasi:random/random": randomInterface,
  "wasi:random/insecure": insecureInterface,
  "wasi:random/insecure-seed": insecureSeedInterface,
  "wasi:cli/environment": environmentInterface,
  "wasi:cli/exit": () => exitInterface,
  "wasi:cli/stdin": (state) => standardStreamInterfaces(state).stdin,
  "wasi:cli/stdout": (state) => standardStreamInterfaces(state).stdout,
  "wasi:cli/stderr": (state) => standardStreamInterfaces(state).stderr,
  "wasi:cli/terminal-input": () => typesOnly,
  "wasi:cli/terminal-output": () => typesOnly,
  "wasi:cli/terminal-stdin": (state) => terminalInterfaces(state)["terminal-stdin"],
  "wasi:cli/terminal-stdout": (state) => terminalInterfaces(state)["terminal-stdout"],
  "wasi:cli/terminal-stderr": (state) => terminalInterfaces(state)["terminal-stderr"],
  "wasi:filesystem/types": filesystemInterface,
  "wasi:filesystem/preopens": (_, preopens) => preopensInterface(preopens),
  "wasi:http/types": httpTypesInterface,
};

/** Interfaces that are not part of WASI 0.2, each with the one version that is in use. */
const drafts: Readonly<Record<string, InterfaceMaker>> = {
  "wasi:config/store": configInterface,
  "wasi:logging/logging": loggingInterface,
  "fermyon:spin/variables": spinVariablesInterface,
};

/** Settings of the WASI 0.2 of one guest. */
export interface P2Options {
  readonly state: P2State;
  readonly preopens: readonly P2Preopen[];
  /** Further interfaces, by name: those that need a grant. */
  readonly interfaces?: Readonly<Record<string, InterfaceMaker>>;
  /** Returns an interface of WASI 0.3, for a component that imports it. */
  readonly p3?: (
    name: string,
    context: { state: P2State; preopens: readonly P2Preopen[]; tasks: HostTasks },
  ) => P2Interface | undefined;
  /** Makes preview1 for a component whose adapter is replaced. */
  readonly preview1?: (state: P2State, preopens: readonly P2Preopen[]) => P2Preview1;
}

/** Preview1 with the state of WASI 0.2. */
export interface P2Preview1 extends Preview1 {
  /** Closes the descriptors that the guest opened. */
  reset(): void;
}

/**
 * WASI 0.2 and 0.3 for one component: any version 0.2.x of an interface is the same one, and any
 * version 0.3.x.
 */
export class P2Host implements Host {
  readonly #options: P2Options;
  readonly #made = new Map<string, P2Interface | undefined>();
  readonly preview1: P2Preview1 | undefined;
  /** The host work of a component that uses the asynchronous ABI. */
  tasks: HostTasks = { add: () => ({ cancel: () => {} }) };

  constructor(options: P2Options) {
    this.#options = options;
    this.preview1 = options.preview1?.(options.state, options.preopens);
  }

  attach(tasks: HostTasks): void {
    this.tasks = tasks;
  }

  function([importName = "", name = ""]: readonly string[]): HostFunction | undefined {
    const found = this.#interface(importName);
    const call = found?.functions[name];
    if (!call) return undefined;
    return {
      call: call as HostFunction["call"],
      mayWait: found.waits?.includes(name) ?? false,
      borrowsBytes: found.borrows?.includes(name) ?? false,
    };
  }

  drop(
    { path: [importName = "", name = ""] = [] }: Resource,
    rep: unknown,
    isReset: boolean,
  ): void {
    const found = this.#interface(importName);
    if (!isReset && found?.parents?.includes(name)) requireNoChildren(rep as Parent);
    found?.drops?.[name]?.(rep as never);
  }

  /** Cancels waits in progress, and closes what the guest opened through preview1. */
  reset(): void {
    this.preview1?.reset();
    const { pending } = this.#options.state;
    for (const cancel of pending) cancel();
    pending.clear();
  }

  #interface(importName: string): P2Interface | undefined {
    if (this.#made.has(importName)) return this.#made.get(importName);
    const made = this.#make(importName);
    this.#made.set(importName, made);
    return made;
  }

  #make(importName: string): P2Interface | undefined {
    const { state, preopens, interfaces } = this.#options;
    const parsed = parseExternName(importName);
    if (parsed?.kind !== "interface") return undefined;
    const draft = drafts[parsed.name];
    if (draft) return draft(state);
    if (/^0\.3(?:\.|$)/.test(parsed.version ?? "")) {
      const { p3 } = this.#options;
      return p3?.(parsed.name, { state, preopens, tasks: this.tasks });
    }
    const isWasi02 = /^0\.2(?:\.|$)/.test(parsed.version ?? "");
    const given = interfaces?.[parsed.name];
    if (given) return given(state);
    return isWasi02 ? makers[parsed.name]?.(state, preopens) : undefined;
  }
}

/** A function that a component imports and the host lacks. */
export interface MissingImport {
  readonly interface: string;
  /** Undefined if the host lacks the whole interface. */
  readonly function?: string;
}

/** Returns the imports that a host does not provide. */
export function missingImports(
  imports: ReadonlyMap<string, Item>,
  host: Pick<P2Host, "function">,
): MissingImport[] {
  const missing: MissingImport[] = [];
  for (const [importName, item] of imports) {
    if (item.sort === "func" && !host.function([importName])) {
      missing.push({ interface: importName });
    }
    if (item.sort !== "instance") continue;
    const names = [...item.exports].flatMap(([name, { sort }]) => sort === "func" ? [name] : []);
    const lacking = names.filter((name) => !host.function([importName, name]));
    if (names.length > 0 && lacking.length === names.length) {
      missing.push({ interface: importName });
    } else for (const name of lacking) missing.push({ interface: importName, function: name });
  }
  return missing;
}

export type { P2Function };
