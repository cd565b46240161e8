import type { Env } from "../../base/io.ts";

/** Variables of the worker that the launcher needs to start. */
const passedVariables = [
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

/** Settings of the launcher and the runtime, which name files to load and hosts to trust. */
const reserved = /^(?:CAPSULE_|DENO_|NODE_|NPM_CONFIG_|V8_|LD_|DYLD_)/i;
/** Prefixes of the variables with a service's address and credentials. */
const services = ["REDIS_", "COUCHBASE_"] as const;
const maxValueBytes = 32 * 1024;

/**
 * Returns the environment of a function's process: variables that the launcher needs, those of the
 * backing services, and those of the deployment.
 */
export function processEnvironment(
  env: Env,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(env.toObject()).filter(([name]) =>
    passedVariables.some((passed) => passed === name) || name.startsWith("DENO_") ||
    services.some((prefix) => name.startsWith(prefix))
  );
  return { ...Object.fromEntries(own), ...variables };
}

/** Returns the rule that a deployment's variable breaks; `undefined` if it is allowed. */
export function variableFault(name: string, value: string, env: Env): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
    return "a variable's name has 1 to 128 letters, digits or _, and does not start with a digit";
  }
  if (reserved.test(name) || passedVariables.some((passed) => passed === name.toUpperCase())) {
    return "it belongs to the launcher";
  }
  const service = services.find((prefix) => name.startsWith(prefix));
  if (
    service !== undefined && Object.keys(env.toObject()).some((each) => each.startsWith(service))
  ) {
    return `the worker's own environment has ${service}… already, and its password must not go to the deployment's address`;
  }
  if (value.includes("\0")) return "a value must not contain a zero byte";
  if (new TextEncoder().encode(value).length > maxValueBytes) {
    return `a value may have at most ${maxValueBytes} bytes`;
  }
  return undefined;
}
