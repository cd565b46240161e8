/**
 * The modes, each with the sentence that the usage prints.
 *
 * A new mode is a row here, a file in `src/modes` and a row in the table of `src/cli/run.ts`, which
 * does not type-check without it.
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
} as const satisfies Record<string, Mode>;

interface Mode {
  /** Completes a sentence that begins with the mode's name. */
  readonly about: string;
  /** Whether arguments that are not flags are accepted. */
  readonly takesArguments: boolean;
}

/** The name of a mode, as `-mode` takes it. */
export type ModeName = keyof typeof modes;

/** The names of all modes, in the order of the table. */
export const modeNames = Object.keys(modes) as readonly ModeName[];
