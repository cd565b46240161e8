import { join } from "node:path";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { isObject } from "../base/json.ts";
import { readText } from "../base/read_text.ts";

/** What a registry is shown. */
export type Credentials =
  | { kind: "password"; username: string; password: string }
  /** A token that is exchanged for another one. */
  | { kind: "identity"; token: string };

/** Docker Hub's name in Docker's configuration. */
const dockerHub = "https://index.docker.io/v1/";

/**
 * The credentials that `docker login` (or podman's, oras') left for a registry: from a helper program, or in the file itself. `undefined` when
 * there are none.
 *
 * @see https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md#credential-stores
 * @throws CapsuleError `CREDENTIALS` when the file is damaged, or a helper cannot be run.
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
    throw new CapsuleError("CREDENTIALS", `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new CapsuleError("CREDENTIALS", `cannot read ${path}: it is no JSON object`);
}

function fromPair(encoded: string, path: string): Credentials {
  try {
    const pair = new TextDecoder().decode(Uint8Array.fromBase64(encoded));
    const colon = pair.indexOf(":");
    if (colon >= 0) return password(pair.slice(0, colon), pair.slice(colon + 1));
  } catch {
    // Said below; the text itself is nobody's business.
  }
  throw new CapsuleError(
    "CREDENTIALS",
    `cannot read ${path}: an "auth" in it is no user:password in base64`,
  );
}

async function fromHelper(name: string, host: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) {
    throw new CapsuleError(
      "CREDENTIALS",
      `cannot ask "${program}" for credentials: no such program`,
    );
  }
  let output: Deno.CommandOutput;
  try {
    const child = new Deno.Command(program, {
      args: ["get"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    })
      .spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${host}\n`)).then(() => writer.close()).catch(
      () => {},
    );
    output = await child.output();
  } catch (error) {
    throw new CapsuleError("CREDENTIALS", `cannot run ${program}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const text = new TextDecoder().decode(output.stdout);
  // A helper that has none says so and fails.
  if (!output.success) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) {
      const { Username: username, Secret: secret } = value;
      if (typeof username === "string" && typeof secret === "string") {
        return password(username, secret);
      }
    }
  } catch {
    // Said below; what it wrote may hold a secret.
  }
  throw new CapsuleError("CREDENTIALS", `${program} answers something else than credentials`);
}

function password(username: string, secret: string): Credentials {
  return username === "<token>"
    ? { kind: "identity", token: secret }
    : { kind: "password", username, password: secret };
}

function objectAt(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = value[name];
  return isObject(found) ? found : {};
}

function textAt(value: Record<string, unknown>, name: string): string | undefined {
  const found = Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}
