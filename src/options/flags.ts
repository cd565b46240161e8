import type { Flag } from "./flag.ts";
import { modeNames } from "./modes.ts";
import {
  boolean,
  duration,
  folder,
  list,
  oneOf,
  path,
  sha256,
  size,
  text,
  url,
  variable,
  whole,
} from "./value_types.ts";

/** Modes that listen on a port. */
const servers = ["http", "reverse-proxy", "registry", "worker"] as const;
/** Modes that are a proxy, a registry, a worker; `faas` is all three. */
const proxies = ["reverse-proxy", "faas"] as const;
const registries = ["registry", "faas"] as const;
const workers = ["worker", "faas"] as const;
/** Modes that run a function in this very process. */
const runners = ["cli", "http"] as const;

/**
 * Every flag once, in the order of the usage. A row is all that a flag needs: its type shows in `ModeOptions`, its
 * environment variable is made from its name (`variableOf`).
 *
 * In the options, sizes are bytes and durations milliseconds.
 */
export const flags = {
  mode: {
    group: "General",
    type: oneOf(modeNames),
    default: "http",
    modes: modeNames,
    about: "What to do.",
  },
  log: {
    group: "General",
    type: oneOf(["text", "json"]),
    default: "text",
    modes: modeNames,
    about: "How the launcher writes its own log: sentences, or one JSON object a line.",
  },
  help: {
    group: "General",
    type: boolean,
    modes: modeNames,
    variable: false,
    about: "Prints this text, and with -mode only that mode's flags.",
  },
  version: {
    group: "General",
    type: boolean,
    modes: modeNames,
    variable: false,
    about: "Prints the version of the launcher and what it runs on.",
  },
  completion: {
    group: "General",
    type: oneOf(["bash", "zsh", "fish"]),
    modes: modeNames,
    variable: false,
    about: "Prints what that shell needs to complete command lines of capsule.",
  },
  man: {
    group: "General",
    type: boolean,
    modes: modeNames,
    variable: false,
    about: "Prints the manual page, for man -l.",
  },
  healthCheck: {
    group: "General",
    type: url("http:", "https:"),
    modes: modeNames,
    variable: false,
    about: "Asks a server for this URL and ends: with 0 if it answers with a status below 500. " +
      "It is the health check of a container.",
  },

  wasm: {
    group: "Function",
    type: path,
    modes: [...runners, "push", "pull"],
    required: ["push"],
    about: "The WebAssembly module. Without it, cli and http run a built-in hello function.",
  },
  url: {
    group: "Function",
    type: url("http:", "https:", "oci:", "file:"),
    modes: [...runners, "push", "pull"],
    required: ["push", "pull"],
    about:
      "Where the module comes from (-mode=push: goes to): http:, https:, file:, or oci://host/repository:tag. " +
      "It is saved at -wasm, which only oci: can do without.",
  },
  sha256: {
    group: "Function",
    type: sha256,
    modes: [...runners, "pull"],
    about: "The digest that the module must have.",
  },
  cache: {
    group: "Function",
    type: path,
    modes: [...runners, "pull"],
    about: "The folder in which modules from oci: are kept; ~/.cache/capsule/modules without it.",
  },
  insecure: {
    group: "Function",
    type: boolean,
    modes: [...runners, "push", "pull"],
    about:
      "Speaks plain HTTP with the registry of an oci: URL; one on this machine needs no flag for that.",
  },
  info: {
    group: "Function",
    type: text("TEXT"),
    modes: ["push"],
    about: "What people read about the module that is pushed.",
  },
  data: {
    group: "Function",
    type: path,
    default: "./.capsule",
    modes: [...runners, ...workers],
    about:
      "The folder of the launcher's own data, such as the embedded key-value store; of a worker's modules and " +
      "processes, too.",
  },

  httpPort: {
    group: "Server",
    type: whole(0, 65535),
    default: {
      http: "8080",
      "reverse-proxy": "8080",
      registry: "8080",
      worker: "9999",
    },
    modes: servers,
    about: "The port to listen on; 0 picks a free one.",
  },
  host: {
    group: "Server",
    type: text("ADDRESS"),
    default: "127.0.0.1",
    modes: [...servers, "faas"],
    about: "The address to listen on; 0.0.0.0 is every IPv4 address of the machine.",
  },
  crt: {
    group: "Server",
    type: path,
    modes: servers,
    needs: "key",
    about: "The certificate (PEM) that switches TLS on.",
  },
  key: {
    group: "Server",
    type: path,
    modes: servers,
    needs: "crt",
    about: "The private key (PEM) of the certificate.",
  },
  maxBody: {
    group: "Server",
    type: size(),
    default: "10MiB",
    modes: ["http"],
    about: "The largest request body; a larger one is answered with 413.",
  },

  supervised: {
    group: "Server",
    type: boolean,
    modes: ["http"],
    variable: false,
    about:
      "For a worker: reads a secret line from standard input, says behind that secret when it is ready, and ends " +
      "when standard input does.",
  },

  adminToken: {
    group: "Server",
    type: text("TOKEN"),
    modes: ["reverse-proxy", "registry", ...workers, "push", "apply"],
    about:
      "The secret that whoever changes something must show (Authorization: Bearer TOKEN). Without it, " +
      "-mode=faas makes one and keeps it in -data.",
  },

  config: {
    group: "Reverse proxy",
    type: path,
    default: { apply: "./functions.yaml" },
    modes: [...proxies, "apply"],
    about:
      "The routes (YAML): function, revision, URLs. SIGHUP reads it again. With -mode=apply: what shall run.",
  },
  watch: {
    group: "Reverse proxy",
    type: boolean,
    modes: proxies,
    needs: "config",
    about: "Reads -config again whenever it changes.",
  },
  backend: {
    group: "Reverse proxy",
    type: oneOf(["memory", "redis"]),
    default: { worker: "memory" },
    modes: ["reverse-proxy", "worker"],
    about:
      "Where routes are kept that change while it runs, by /memory/functions/… or /redis/functions/…; a worker " +
      "names its proxy's.",
  },
  routes: {
    group: "Reverse proxy",
    type: path,
    modes: ["reverse-proxy"],
    needs: "backend",
    about: "Keeps the routes of -backend=memory in this file over a restart.",
  },
  balance: {
    group: "Reverse proxy",
    type: oneOf(["random", "round-robin", "least-connections", "hash"]),
    default: "random",
    modes: proxies,
    about:
      "Which of a revision's URLs takes a request; hash is by the client's address or -hashHeader.",
  },
  hashHeader: {
    group: "Reverse proxy",
    type: text("NAME"),
    modes: proxies,
    about: "The header by which -balance=hash chooses.",
  },
  maxFails: {
    group: "Reverse proxy",
    type: whole(0),
    default: "1",
    modes: proxies,
    about: "After so many failures one after the other a URL is left out; 0 is never.",
  },
  failTimeout: {
    group: "Reverse proxy",
    type: duration(),
    default: "10s",
    modes: proxies,
    about: "For how long a URL is left out before one request tries it again.",
  },
  healthPath: {
    group: "Reverse proxy",
    type: text("PATH"),
    modes: proxies,
    about: "Asks each URL for this path; one that does not answer well gets no requests.",
  },
  healthInterval: {
    group: "Reverse proxy",
    type: duration(),
    default: "10s",
    modes: [...proxies, "worker"],
    about: "How often -healthPath is asked for; by a worker, how often each of its processes is.",
  },
  trustedProxies: {
    group: "Reverse proxy",
    type: list("RANGE"),
    modes: proxies,
    about:
      "Addresses (10.0.0.0/8) of proxies before this one, whose X-Forwarded-… headers are believed.",
  },
  connectTimeout: {
    group: "Reverse proxy",
    type: duration(),
    default: "5s",
    modes: proxies,
    about: "How long connecting to a URL may take.",
  },
  idleTimeout: {
    group: "Reverse proxy",
    type: duration("none"),
    default: "5m",
    modes: proxies,
    about: "How long an answer or an upgraded connection may stand still; 0 is for ever.",
  },

  files: {
    group: "Registry",
    type: path,
    default: "./wasm_modules",
    modes: ["registry"],
    about: "The folder in which the modules lie.",
  },
  readToken: {
    group: "Registry",
    type: text("TOKEN"),
    modes: registries,
    needs: "adminToken",
    about: "The secret that whoever reads must show; -adminToken opens that door too.",
  },
  overwrite: {
    group: "Registry",
    type: boolean,
    modes: registries,
    about: "Lets an upload replace a tag that holds another module.",
  },
  maxUpload: {
    group: "Registry",
    type: size(),
    default: "100MiB",
    modes: registries,
    about: "The largest module, or layer of an OCI image, that is taken.",
  },
  gcGrace: {
    group: "Registry",
    type: duration(),
    default: "1h",
    modes: registries,
    about: "How long a blob that no manifest names is kept.",
  },

  reverseProxy: {
    group: "Worker",
    type: url("http:", "https:"),
    default: "http://localhost:8888",
    modes: ["worker"],
    about: "The proxy with which functions are registered.",
  },
  proxyToken: {
    group: "Worker",
    type: text("TOKEN"),
    modes: ["worker"],
    about: "The proxy's -adminToken.",
  },
  registry: {
    group: "Worker",
    type: url("http:", "https:"),
    modes: ["worker", "push"],
    about:
      "The registry to which -registryToken is shown, and no other; with -mode=push, to which -adminToken " +
      "is shown if it is not on this machine.",
  },
  registryToken: {
    group: "Worker",
    type: text("TOKEN"),
    modes: ["worker"],
    needs: "registry",
    about: "The registry's -readToken or -adminToken.",
  },
  workerDomain: {
    group: "Worker",
    type: text("NAME"),
    default: "localhost",
    modes: ["worker"],
    about: "By which name the proxy reaches this machine. The functions listen on -host.",
  },
  httpPortCounter: {
    group: "Worker",
    type: whole(0, 65534),
    default: "10000",
    modes: workers,
    about: "Functions listen on the next free ports above it; 0 lets the system choose.",
  },
  capsulePath: {
    group: "Worker",
    type: path,
    modes: workers,
    about: "The program that serves the functions; this one if not given.",
  },
  state: {
    group: "Worker",
    type: path,
    modes: ["worker"],
    about:
      "The file that keeps what is deployed over a restart; worker.json in -data if not given.",
  },
  worker: {
    group: "Worker",
    type: url("http:", "https:"),
    default: "http://localhost:9999",
    modes: ["apply"],
    about: "The worker that shall run what -config says.",
  },
  dryRun: {
    group: "Worker",
    type: boolean,
    modes: ["apply"],
    about: "Prints what would change, and changes nothing.",
  },
  keep: {
    group: "Worker",
    type: boolean,
    modes: ["apply"],
    about: "Leaves alone what runs and does not stand in -config, instead of removing it.",
  },

  registryPort: {
    group: "All together",
    type: whole(0, 65535),
    default: "4999",
    modes: ["faas"],
    about: "The registry's port; 0 picks a free one.",
  },
  proxyPort: {
    group: "All together",
    type: whole(0, 65535),
    default: "8888",
    modes: ["faas"],
    about: "The proxy's port; 0 picks a free one.",
  },
  workerPort: {
    group: "All together",
    type: whole(0, 65535),
    default: "9999",
    modes: ["faas"],
    about: "The worker's port; 0 picks a free one.",
  },

  dir: {
    group: "What the function may reach",
    type: folder,
    modes: runners,
    about:
      "A folder that the function may reach beside the working directory (a WASI program: the only ones), under " +
      "the path GUEST if given. May be repeated.",
  },
  env: {
    group: "What the function may reach",
    type: variable,
    modes: runners,
    about:
      "An environment variable that the function sees as its own (WASI); a NAME alone takes the launcher's " +
      "value. May be repeated.",
  },
  allowRead: {
    group: "What the function may reach",
    type: list("PATH"),
    modes: runners,
    about: "The only files and folders that may be read.",
  },
  allowWrite: {
    group: "What the function may reach",
    type: list("PATH"),
    modes: runners,
    about: "The only files and folders that may be written.",
  },
  allowEnv: {
    group: "What the function may reach",
    type: list("NAME"),
    modes: runners,
    about: "The only environment variables that GetEnv may read.",
  },
  allowNet: {
    group: "What the function may reach",
    type: list("HOST"),
    modes: runners,
    about: "The only hosts (name, name:port, address range) that Http may call.",
  },
  sandbox: {
    group: "What the function may reach",
    type: boolean,
    modes: runners,
    about: "No file, variable or network at all.",
  },

  maxMemory: {
    group: "Limits",
    type: size({ min: "64KiB", max: "4GiB" }),
    default: "256MiB",
    modes: runners,
    about: "The most memory that one instance of the module may have.",
  },
  timeout: {
    group: "Limits",
    type: duration("none"),
    default: { cli: "0", http: "30s", "reverse-proxy": "30s", faas: "30s" },
    modes: [...runners, ...proxies],
    about:
      "How long one call may take, waiting included; a proxy waits so long for an answer to begin. 0 is for ever.",
  },
  slice: {
    group: "Limits",
    type: duration(),
    default: "2ms",
    modes: runners,
    about: "How long a call may compute before other calls on its thread have their turn.",
  },
  httpTimeout: {
    group: "Limits",
    type: duration("none"),
    default: "30s",
    modes: runners,
    about: "How long one request that the function makes with Http may take; 0 is for ever.",
  },
  maxResponse: {
    group: "Limits",
    type: size(),
    default: "64MiB",
    modes: runners,
    about: "The largest answer that Http hands to the function.",
  },
  threads: {
    group: "Limits",
    type: whole(1, 1024),
    default: "1",
    modes: ["http"],
    about: "How many threads serve the function.",
  },
  maxInstances: {
    group: "Limits",
    type: whole(1),
    default: "1024",
    modes: ["http"],
    about: "How many calls may run at the same time on a thread.",
  },
  maxQueue: {
    group: "Limits",
    type: whole(0),
    default: "1024",
    modes: ["http"],
    about: "How many more calls may wait for their turn; beyond them the answer is 503.",
  },
  reuse: {
    group: "Limits",
    type: boolean,
    modes: ["http"],
    about: "Keeps the function's state between calls instead of starting each afresh.",
  },
} as const satisfies Record<string, Flag>;
