import { exitInterface, terminalInterfaces } from "../p2/cli.ts";
import { preopensInterface } from "../p2/filesystem.ts";
import { insecureInterface, randomInterface } from "../p2/random.ts";
import type { P2Interface } from "../p2/state.ts";
import { environmentInterface, outputInterface, stdinInterface } from "./cli.ts";
import { monotonicClockInterface, systemClockInterface, timezoneInterface } from "./clocks.ts";
import type { P3Context } from "./context.ts";
import { filesystemInterface } from "./filesystem.ts";
import { httpTypesInterface } from "./http_types.ts";
import { insecureSeedInterface } from "./random.ts";

const typesOnly: P2Interface = { functions: {} };

/** Makes an interface of WASI 0.3 for one guest. */
export type P3Maker = (context: P3Context) => P2Interface;

const makers: Readonly<Record<string, P3Maker>> = {
  "wasi:clocks/types": () => typesOnly,
  "wasi:clocks/monotonic-clock": monotonicClockInterface,
  "wasi:clocks/system-clock": systemClockInterface,
  "wasi:clocks/timezone": () => timezoneInterface,
  "wasi:random/random": ({ state }) => randomInterface(state),
  "wasi:random/insecure": ({ state }) => insecureInterface(state),
  "wasi:random/insecure-seed": insecureSeedInterface,
  "wasi:filesystem/types": filesystemInterface,
  "wasi:filesystem/preopens": ({ preopens }) => preopensInterface(preopens),
  "wasi:http/types": httpTypesInterface,
  "wasi:cli/types": () => typesOnly,
  "wasi:cli/environment": environmentInterface,
  "wasi:cli/exit": () => exitInterface,
  "wasi:cli/stdin": stdinInterface,
  "wasi:cli/stdout": (context) => outputInterface(context, context.state.stdout),
  "wasi:cli/stderr": (context) => outputInterface(context, context.state.stderr),
  "wasi:cli/terminal-input": () => typesOnly,
  "wasi:cli/terminal-output": () => typesOnly,
  "wasi:cli/terminal-stdin": ({ state }) => terminalInterfaces(state)["terminal-stdin"],
  "wasi:cli/terminal-stdout": ({ state }) => terminalInterfaces(state)["terminal-stdout"],
  "wasi:cli/terminal-stderr": ({ state }) => terminalInterfaces(state)["terminal-stderr"],
};

/**
 * Returns an interface of WASI 0.3 by its name without a version, or undefined if it is unknown.
 *
 * @param granted further interfaces: those that need a grant.
 */
export function p3Interface(
  name: string,
  context: P3Context,
  granted: Readonly<Record<string, P3Maker>>,
): P2Interface | undefined {
  return (granted[name] ?? makers[name])?.(context);
}
