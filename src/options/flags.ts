import type { Flag } from "./flag.ts";
import { modeNames } from "./modes.ts";
import {
  boolean,
  duration,
  folder,
  list,
  modulePath,
  oneOf,
  path,
  sha256,
  size,
  text,
  url,
  variable,
  whole,
} from "./flag.ts";

/** Modes that listen on `-httpPort`. */
const servers = ["http", "reverse-proxy", "registry", "worker"] as const;
/** Modes with a proxy, a registry or a worker; `faas` has all three. */
const proxies = ["reverse-proxy", "faas"] as const;
const registries = ["registry", "faas"] as const;
const workers = ["worker", "faas"] as const;
/** Modes that run a module in this process. */
const runners = ["cli", "http"] as const;

/**
 * The table of flags, in the order of the usage. A row is all that a new flag needs: its type
 * appears in `ModeOptions`, and its environment variable follows from its name (`variableOf`).
 *
 * In options, sizes are bytes and durations milliseconds.
 */
export const flags = {
  mode: {
    group: "General",
    type: oneOf(modeNames),
    default: "http",
    modes: modeNames,
    about: "The mode to run in.",
  },
  log: {
    group: "General",
    type: oneOf(["text", "json"]),
    default: "text",
    modes: modeNames,
    about:
      "The format of the log: text, or one JSON object per line. With json, a server also writes its function's output as JSON.",
  },
  help: {
    group: "General",
    type: boolean,
    modes: modeNames,
    variable: false,
    about: "Prints this text; with -mode, only the flags of that mode.",
  },
  version: {
    group: "General",
    type: boolean,
    modes: modeNames,
    variable: false,
    about: "Prints the versions of Capsule and of its runtime.",
  },
  completion: {
    group: "General",
    type: oneOf(["bash", "zsh", "fish"]),
    modes: modeNames,
    variable: false,
    about: "Prints the completion script for a shell.",
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
    about: "Requests this URL and exits with 0 if the status is below 500, otherwise with 1. For " +
      "health checks of containers.",
  },

  ca: {
    group: "General",
    type: path,
    modes: [...runners, "reverse-proxy", ...workers, "push", "pull", "apply"],
    about: "A PEM file with certificate authorities to trust in addition to the default ones, in " +
      "every connection that Capsule or Http makes.",
  },

  wasm: {
    group: "Function",
    type: modulePath,
    modes: [...runners, "push", "pull"],
    required: ["push"],
    about: "The WebAssembly module. Without it, cli and http run a built-in hello function. With " +
      "-mode=http, components of wasi:http/handler before the last -wasm are its middleware, " +
      "the first one outermost.",
  },
  url: {
    group: "Function",
    type: url("http:", "https:", "oci:", "file:"),
    modes: [...runners, "push", "pull"],
    required: ["push", "pull"],
    about: "The source of the module, with -mode=push its destination: http:, https:, file: or " +
      "oci://host/repository:tag. The module is saved at -wasm, which only oci: can do " +
      "without.",
  },
  sha256: {
    group: "Function",
    type: sha256,
    modes: [...runners, "pull"],
    about: "The SHA-256 digest that the module must have.",
  },
  cache: {
    group: "Function",
    type: path,
    modes: [...runners, "pull"],
    about: "The cache folder for modules from oci: URLs; ~/.cache/capsule/modules by default.",
  },
  insecure: {
    group: "Function",
    type: boolean,
    modes: [...runners, "push", "pull"],
    about: "Uses plain HTTP for the registry of an oci: URL. A registry on this machine needs no " +
      "flag.",
  },
  info: {
    group: "Function",
    type: text("TEXT"),
    modes: ["push"],
    about: "A human-readable description of the pushed module.",
  },
  data: {
    group: "Function",
    type: path,
    default: "./.capsule",
    modes: [...runners, ...workers],
    about: "The launcher's data folder: the embedded key-value store, a worker's modules and " +
      "processes.",
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
    about: "The port to listen on; 0 for a free one.",
  },
  host: {
    group: "Server",
    type: text("ADDRESS"),
    default: "127.0.0.1",
    modes: [...servers, "faas"],
    about: "The address to listen on; 0.0.0.0 for every IPv4 address of the machine.",
  },
  crt: {
    group: "Server",
    type: path,
    modes: servers,
    needs: "key",
    about: "The TLS certificate (PEM); it enables TLS.",
  },
  key: {
    group: "Server",
    type: path,
    modes: servers,
    needs: "crt",
    about: "The private key (PEM) of -crt.",
  },
  maxBody: {
    group: "Server",
    type: size(),
    default: "10MiB",
    modes: ["http"],
    about:
      "The maximum size of a request body that is buffered for a function or a program; a larger " +
      "one is refused with 413.",
  },
  maxStreamBody: {
    group: "Server",
    type: size(),
    modes: ["http"],
    about: "The maximum size of a request body that is streamed to a component, instead of " +
      "-maxBody; a larger one is refused with 413, or its stream fails. Default: no limit.",
  },

  supervised: {
    group: "Server",
    type: boolean,
    modes: ["http"],
    variable: false,
    about:
      "Used by workers: reads a secret line from standard input, starts each report on standard " +
      "output with it, and exits at the end of standard input.",
  },

  adminToken: {
    group: "Server",
    type: text("TOKEN"),
    modes: ["reverse-proxy", "registry", ...workers, "push", "apply"],
    about: "The secret that administrative requests must carry (Authorization: Bearer TOKEN). " +
      "Without it, -mode=faas generates one and keeps it in -data.",
  },

  config: {
    group: "Reverse proxy",
    type: path,
    default: { apply: "./functions.yaml" },
    modes: [...proxies, "apply"],
    about: "The routes (YAML): functions, revisions and their URLs; SIGHUP reloads it. With " +
      "-mode=apply, the functions to run.",
  },
  watch: {
    group: "Reverse proxy",
    type: boolean,
    modes: proxies,
    needs: "config",
    about: "Reloads -config whenever it changes.",
  },
  backend: {
    group: "Reverse proxy",
    type: oneOf(["memory", "redis"]),
    default: { worker: "memory" },
    modes: ["reverse-proxy", "worker"],
    about: "The store of routes that the admin API (/memory/functions/… or /redis/functions/…) " +
      "changes; with -mode=worker, the -backend of its proxy.",
  },
  routes: {
    group: "Reverse proxy",
    type: path,
    modes: ["reverse-proxy"],
    needs: "backend",
    about: "The file that keeps the routes of -backend=memory across restarts.",
  },
  balance: {
    group: "Reverse proxy",
    type: oneOf(["random", "round-robin", "least-connections", "hash"]),
    default: "random",
    modes: proxies,
    about: "The load-balancing policy over the URLs of a revision; hash uses the client's " +
      "address or -hashHeader.",
  },
  hashHeader: {
    group: "Reverse proxy",
    type: text("NAME"),
    modes: proxies,
    about: "The request header that -balance=hash uses.",
  },
  maxFails: {
    group: "Reverse proxy",
    type: whole(0),
    default: "1",
    modes: proxies,
    about: "Consecutive failures after which a URL receives no requests; 0 for no limit.",
  },
  failTimeout: {
    group: "Reverse proxy",
    type: duration(),
    default: "10s",
    modes: proxies,
    about: "The time after which one request tries a failed URL again.",
  },
  healthPath: {
    group: "Reverse proxy",
    type: text("PATH"),
    modes: proxies,
    about: "The path of health checks at each URL; an unhealthy URL receives no requests.",
  },
  healthInterval: {
    group: "Reverse proxy",
    type: duration(),
    default: "10s",
    modes: [...proxies, "worker"],
    about: "The interval of health checks: at -healthPath; with -mode=worker, of each process.",
  },
  trustedProxies: {
    group: "Reverse proxy",
    type: list("RANGE"),
    modes: proxies,
    about: "Address ranges (10.0.0.0/8) of proxies in front of this one, whose X-Forwarded-… " +
      "headers are trusted.",
  },
  connectTimeout: {
    group: "Reverse proxy",
    type: duration(),
    default: "5s",
    modes: proxies,
    about: "The timeout for a connection to a URL.",
  },
  idleTimeout: {
    group: "Reverse proxy",
    type: duration({ zero: "no limit" }),
    default: "5m",
    modes: proxies,
    about: "The timeout for a response or an upgraded connection without progress; 0 for no " +
      "limit.",
  },

  files: {
    group: "Registry",
    type: path,
    default: "./wasm_modules",
    modes: ["registry"],
    about: "The folder of the stored modules.",
  },
  readToken: {
    group: "Registry",
    type: text("TOKEN"),
    modes: registries,
    needs: "adminToken",
    about: "The secret that read requests must carry; -adminToken is accepted, too.",
  },
  overwrite: {
    group: "Registry",
    type: boolean,
    modes: registries,
    about: "Lets an upload replace the module of a tag.",
  },
  maxUpload: {
    group: "Registry",
    type: size(),
    default: "100MiB",
    modes: registries,
    about: "The maximum size of a module, or of a layer of an OCI image.",
  },
  gcGrace: {
    group: "Registry",
    type: duration(),
    default: "1h",
    modes: registries,
    about: "The grace period before a blob that no manifest references is deleted.",
  },

  reverseProxy: {
    group: "Worker",
    type: url("http:", "https:"),
    default: "http://localhost:8888",
    modes: ["worker"],
    about: "The proxy that functions are registered with.",
  },
  proxyToken: {
    group: "Worker",
    type: text("TOKEN"),
    modes: ["worker"],
    about: "The -adminToken of the proxy.",
  },
  registry: {
    group: "Worker",
    type: url("http:", "https:"),
    modes: ["worker", "push"],
    about: "The only registry that -registryToken is sent to; with -mode=push, a remote registry " +
      "that -adminToken may be sent to.",
  },
  registryToken: {
    group: "Worker",
    type: text("TOKEN"),
    modes: ["worker"],
    needs: "registry",
    about: "The -readToken or -adminToken of the registry.",
  },
  workerDomain: {
    group: "Worker",
    type: text("NAME"),
    default: "localhost",
    modes: ["worker"],
    about: "The host name by which the proxy reaches this machine. The functions listen on " +
      "-host.",
  },
  httpPortCounter: {
    group: "Worker",
    type: whole(0, 65534),
    default: "10000",
    modes: workers,
    about: "Functions listen on the next free ports above this one; 0 lets the system choose.",
  },
  capsulePath: {
    group: "Worker",
    type: path,
    modes: workers,
    about: "The Capsule program that serves the functions; this one by default.",
  },
  state: {
    group: "Worker",
    type: path,
    modes: ["worker"],
    about: "The file that keeps the deployments across restarts; worker.json in -data by " +
      "default.",
  },
  worker: {
    group: "Worker",
    type: url("http:", "https:"),
    default: "http://localhost:9999",
    modes: ["apply"],
    about: "The worker that -config is applied to.",
  },
  dryRun: {
    group: "Worker",
    type: boolean,
    modes: ["apply"],
    about: "Prints the changes without making them.",
  },
  keep: {
    group: "Worker",
    type: boolean,
    modes: ["apply"],
    about: "Keeps functions that are not in -config, instead of removing them.",
  },

  registryPort: {
    group: "Platform",
    type: whole(0, 65535),
    default: "4999",
    modes: ["faas"],
    about: "The port of the registry; 0 for a free one.",
  },
  proxyPort: {
    group: "Platform",
    type: whole(0, 65535),
    default: "8888",
    modes: ["faas"],
    about: "The port of the proxy; 0 for a free one.",
  },
  workerPort: {
    group: "Platform",
    type: whole(0, 65535),
    default: "9999",
    modes: ["faas"],
    about: "The port of the worker; 0 for a free one.",
  },

  dir: {
    group: "Grants",
    type: folder,
    modes: runners,
    about: "A folder that the module may access, at the path GUEST if given. A function may also " +
      "access the working directory. May be repeated.",
  },
  env: {
    group: "Grants",
    type: variable,
    modes: runners,
    about: "An environment variable of the module (WASI); NAME alone takes the launcher's value. " +
      "May be repeated.",
  },
  allowRead: {
    group: "Grants",
    type: list("PATH"),
    modes: runners,
    about: "The only files and folders that a function may read.",
  },
  allowWrite: {
    group: "Grants",
    type: list("PATH"),
    modes: runners,
    about: "The only files and folders that a function may write.",
  },
  allowEnv: {
    group: "Grants",
    type: list("NAME"),
    modes: runners,
    about: "The only environment variables that GetEnv may read.",
  },
  allowNet: {
    group: "Grants",
    type: list("HOST"),
    modes: runners,
    about: "The only hosts (name, name:port, address range) that Http may call. Sockets of a " +
      "component reach these hosts, and none without the flag.",
  },
  allowListen: {
    group: "Grants",
    type: list("ADDRESS:PORT"),
    modes: runners,
    about: "The addresses that sockets of a component may listen on; port 0 is one that the " +
      "system chooses, and * any port. Without the flag, none.",
  },
  httpProxy: {
    group: "Grants",
    type: oneOf(["none", "env"]),
    default: "none",
    modes: runners,
    about: "The proxies of Http: none, or those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and " +
      "NO_PROXY. A proxy resolves names itself, so -allowNet checks the URL's host alone.",
  },
  sandbox: {
    group: "Grants",
    type: boolean,
    modes: runners,
    about: "Denies all files, environment variables and network access.",
  },

  maxMemory: {
    group: "Limits",
    type: size({ min: "64KiB", max: "4GiB" }),
    default: "256MiB",
    modes: runners,
    about: "The maximum memory of one instance: its memories and tables together.",
  },
  maxTotalMemory: {
    group: "Limits",
    type: size({ min: "1MiB" }),
    modes: ["http"],
    about: "The maximum memory of all instances, by default half of the machine's; a call " +
      "that needs another instance is queued until there is room.",
  },
  adapter: {
    group: "Limits",
    type: oneOf(["capsule", "component"]),
    default: "capsule",
    modes: runners,
    about: "What translates WASI preview1 in a component whose toolchain linked an adapter for " +
      "it: Capsule, or the adapter.",
  },
  unlimited: {
    group: "Limits",
    type: boolean,
    modes: runners,
    about:
      "Runs a module whose limits cannot be enforced, such as one with an unknown instruction, " +
      "without -timeout, -slice and -maxMemory.",
  },
  timeout: {
    group: "Limits",
    type: duration({ zero: "no limit" }),
    default: { cli: "0", http: "30s", "reverse-proxy": "30s", faas: "30s" },
    modes: [...runners, ...proxies],
    about:
      "The timeout of a call, including the time it waits; of a proxy, for the first byte of a " +
      "response; 0 for no limit.",
  },
  slice: {
    group: "Limits",
    type: duration(),
    default: "2ms",
    modes: runners,
    about: "The time slice: how long a call computes before other calls on its thread continue.",
  },
  httpTimeout: {
    group: "Limits",
    type: duration({ zero: "no limit" }),
    default: "30s",
    modes: runners,
    about: "The timeout of one request by Http; 0 for no limit.",
  },
  maxResponse: {
    group: "Limits",
    type: size(),
    default: "64MiB",
    modes: runners,
    about: "The maximum size of a response to Http.",
  },
  threads: {
    group: "Limits",
    type: whole(1, 1024),
    default: "1",
    modes: ["http"],
    about: "The number of threads that serve the function.",
  },
  maxInstances: {
    group: "Limits",
    type: whole(1),
    default: "1024",
    modes: ["http"],
    about: "The maximum number of concurrent calls on a thread.",
  },
  maxQueue: {
    group: "Limits",
    type: whole(0),
    default: "1024",
    modes: ["http"],
    about: "The maximum number of queued calls on a thread; more are refused with 503.",
  },
  reuse: {
    group: "Limits",
    type: boolean,
    modes: ["http"],
    about: "Keeps the state of an instance between calls.",
  },
} as const satisfies Record<string, Flag>;
