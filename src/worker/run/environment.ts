import type { Env } from "../../base/io.ts";

/** What the launcher itself needs of the worker's environment to start. */
const passedOn = [
  "PATH",
  "HOME",
  "USERPROFILE",
  "SYSTEMROOT",
  "LOCALAPPDATA",
  "TMPDIR",
  "TEMP",
  "TMP",
  "LANG",
  "LC_ALL",
  "TZ",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "CAPSULE_CA",
] as const;

/** Settings of the runtime below the launcher, which name files to load and hosts to trust. */
const runtimeOwn = /^(?:CAPSULE_|DENO_|NODE_|NPM_CONFIG_|V8_|LD_|DYLD_)/i;
/** A service behind host functions: where it is, and how to be let in. */
const services = ["REDIS_", "COUCHBASE_"] as const;
const maxValueBytes = 32 * 1024;

/** The environment of a function's process: what the launcher needs, the worker's backing services, and the deployment's own. */
export function processEnvironment(
  env: Env,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(env.toObject()).filter(([name]) =>
    passedOn.some((passed) => passed === name) || name.startsWith("DENO_") ||
    services.some((prefix) => name.startsWith(prefix))
  );
  return { ...Object.fromEntries(own), ...variables };
}

/** Why a deployment cannot have a variable; `undefined` when it can. */
export function variableFault(name: string, value: string, env: Env): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
    return "a variable is named by 1 to 128 letters, digits and _, and no digit first";
  }
  if (runtimeOwn.test(name) || passedOn.some((passed) => passed === name.toUpperCase())) {
    return "it belongs to the launcher itself";
  }
  const service = services.find((prefix) => name.startsWith(prefix));
  if (
    service !== undefined && Object.keys(env.toObject()).some((each) => each.startsWith(service))
  ) {
    return `the worker's own environment has ${service}… already: its password would go where the deployment says`;
  }
  if (value.includes("\0")) return "a value cannot hold a zero byte";
  if (new TextEncoder().encode(value).length > maxValueBytes) {
    return `a value has at most ${maxValueBytes} bytes`;
  }
  return undefined;
}
