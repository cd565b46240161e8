import type { Io } from "../base/io.ts";
import type { Log } from "../base/log.ts";

/**
 * The modes that there are, each with the sentence that the usage prints.
 *
 * A new mode is a line here, its file beside this one, and a line in the table of `src/cli/run.ts` (which does not
 * type check until it is there). Flags name their modes in `src/cli/flags.ts`.
 */
export const modes = {
  cli: {
    about:
      "calls the function once with the arguments that follow the flags, and prints its result; runs a WASI program",
    takesArguments: true,
  },
  http: {
    about:
      "serves the function on a port: every request is a call; a WASI program is served like CGI",
    takesArguments: false,
  },
  "reverse-proxy": {
    about: "sends /functions/NAME/REVISION to whoever serves that function",
    takesArguments: false,
  },
  registry: {
    about: "stores modules and gives them out, to Capsule and to any OCI tool",
    takesArguments: false,
  },
  worker: {
    about:
      "starts functions that are deployed to it, keeps them running and registers them with a proxy",
    takesArguments: false,
  },
  faas: {
    about: "is registry, reverse proxy and worker together, and tells how to try them",
    takesArguments: false,
  },
  apply: {
    about: "makes a worker run the functions that a file names, and tells what changes",
    takesArguments: false,
  },
  push: { about: "sends a module to a registry", takesArguments: false },
  pull: { about: "fetches a module from a registry", takesArguments: false },
} as const satisfies Record<string, ModeEntry>;

interface ModeEntry {
  /** Goes on after the mode's name. */
  readonly about: string;
  /** Whether arguments that are no flags mean something; where not, they are refused. */
  readonly takesArguments: boolean;
}

export type ModeName = keyof typeof modes;

/** Every mode's name, in the order of the table. */
export const modeNames = Object.keys(modes) as readonly ModeName[];

/** What a mode finds around it. */
export interface World {
  readonly io: Io;
  readonly log: Log;
}
