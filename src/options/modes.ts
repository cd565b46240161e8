/**
 * The modes, each with the sentence that the usage prints.
 *
 * A new mode is a row here, a file in `src/modes` and a row in the table of `src/cli/run.ts`, which
 * does not type-check without it.
 */
export const modes = {
  cli: {
    about:
      "calls the function once with the arguments after the flags and prints its result; runs a WASI program",
    takesArguments: true,
  },
  http: {
    about:
      "serves the function over HTTP: each request is a call; a WASI program is run as by CGI, " +
      "with the arguments after --",
    takesArguments: "after --",
  },
  "reverse-proxy": {
    about: "forwards /functions/NAME/REVISION to the servers of that function",
    takesArguments: false,
  },
  registry: {
    about: "stores modules and serves them, to Capsule and to any OCI client",
    takesArguments: false,
  },
  worker: {
    about:
      "starts the functions deployed to it, keeps them running and registers them with a proxy",
    takesArguments: false,
  },
  faas: {
    about:
      "runs a registry, a reverse proxy and a worker together, and prints commands to try them",
    takesArguments: false,
  },
  apply: {
    about: "makes a worker run the functions of a file, and prints what changes",
    takesArguments: false,
  },
  push: { about: "uploads a module to a registry", takesArguments: false },
  pull: { about: "downloads a module from a registry", takesArguments: false },
} as const satisfies Record<string, Mode>;

interface Mode {
  /** Completes a sentence that begins with the mode's name. */
  readonly about: string;
  /** True if arguments that are not flags are accepted; `after --` if they must follow `--`. */
  readonly takesArguments: boolean | "after --";
}

/** The name of a mode, as `-mode` takes it. */
export type ModeName = keyof typeof modes;

/** The names of all modes, in the order of the table. */
export const modeNames = Object.keys(modes) as readonly ModeName[];
