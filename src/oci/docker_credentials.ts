import { join } from "node:path";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { isObject } from "../base/json.ts";
import { readText } from "../base/read_text.ts";

/** Credentials for a registry. */
export type Credentials =
  | { kind: "password"; username: string; password: string }
  /** A refresh token, which is exchanged for an access token. */
  | { kind: "identity"; token: string };

/** Docker Hub's name in Docker's configuration. */
const dockerHub = "https://index.docker.io/v1/";

/**
 * Returns the credentials that `docker login` (or podman's, oras') stored for a registry, in a
 * credential helper or in the configuration file; `undefined` without an entry for it.
 *
 * @see https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md#credential-stores
 * @throws CapsuleError `CREDENTIALS` if the file is damaged or a helper cannot be run.
 */
export async function dockerCredentials(host: string, env: Env): Promise<Credentials | undefined> {
  const folder = env.get("DOCKER_CONFIG") ??
    join(env.get("HOME") ?? env.get("USERPROFILE") ?? ".", ".docker");
  const path = join(folder, "config.json");
  const config = await readConfig(path);
  const names = host === "docker.io" || host === "registry-1.docker.io"
    ? [dockerHub, "docker.io"]
    : [host, `https://${host}`, `http://${host}`, `https://${host}/v1/`, `https://${host}/v2/`];
  const helpers = objectAt(config, "credHelpers");
  for (const name of names) {
    const helper = textAt(helpers, name);
    if (helper !== undefined) return await fromHelper(helper, name);
  }
  const auths = objectAt(config, "auths");
  const store = textAt(config, "credsStore");
  for (const name of names) {
    const entry = objectAt(auths, name);
    const identity = textAt(entry, "identitytoken");
    if (identity) return { kind: "identity", token: identity };
    const pair = textAt(entry, "auth");
    if (pair) return fromPair(pair, path);
    const username = textAt(entry, "username");
    const password = textAt(entry, "password");
    if (username && password) return { kind: "password", username, password };
    if (store && name in auths) return await fromHelper(store, name);
  }
  return undefined;
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return {};
    }
    throw credentialsError(`cannot read ${path}: ${messageOf(error)}`, error);
  }
  const value = parseJson(text);
  if (isObject(value)) return value;
  throw credentialsError(`cannot read ${path}: it is not a JSON object`);
}

/** Decodes `user:password` in base64. Errors do not contain it, because it is a secret. */
function fromPair(encoded: string, path: string): Credentials {
  const pair = decodeBase64(encoded);
  const colon = pair?.indexOf(":") ?? -1;
  if (pair !== undefined && colon >= 0) {
    return fromPassword(pair.slice(0, colon), pair.slice(colon + 1));
  }
  throw credentialsError(
    `cannot read ${path}: an "auth" in it is not user:password in base64`,
  );
}

/**
 * Runs `docker-credential-NAME get`.
 *
 * @see https://github.com/docker/docker-credential-helpers
 */
async function fromHelper(name: string, host: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) {
    throw credentialsError(`cannot ask "${program}" for credentials: no such program`);
  }
  let output: Deno.CommandOutput;
  try {
    const child = new Deno.Command(program, {
      args: ["get"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    // A helper may exit without reading its input.
    await writer.write(new TextEncoder().encode(`${host}\n`)).then(() => writer.close())
      .catch(() => {});
    output = await child.output();
  } catch (error) {
    throw credentialsError(`cannot run ${program}: ${messageOf(error)}`, error);
  }
  // A helper without credentials for this registry fails.
  if (!output.success) return undefined;
  const value = parseJson(new TextDecoder().decode(output.stdout));
  if (isObject(value)) {
    const { Username: username, Secret: secret } = value;
    if (typeof username === "string" && typeof secret === "string") {
      return fromPassword(username, secret);
    }
  }
  throw credentialsError(`${program} did not print credentials`);
}

/** Returns the credentials of a login; the user name `<token>` marks a refresh token. */
function fromPassword(username: string, secret: string): Credentials {
  return username === "<token>"
    ? { kind: "identity", token: secret }
    : { kind: "password", username, password: secret };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decodeBase64(text: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined;
  }
}

function objectAt(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = value[name];
  return isObject(found) ? found : {};
}

function textAt(value: Record<string, unknown>, name: string): string | undefined {
  const found = Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}

function credentialsError(message: string, cause?: unknown): CapsuleError {
  return new CapsuleError("CREDENTIALS", message, { cause });
}
