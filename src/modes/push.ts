import { resolve } from "node:path";
import { CapsuleError, UsageError } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { isLoopback } from "../base/hosts.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { uploadModule } from "../oci/upload_module.ts";
import { pushModule } from "../oci/push_module.ts";
import type { ModuleName } from "../oci/names.ts";
import { type Credentials, dockerCredentials } from "../oci/docker_credentials.ts";
import { parseOciReference } from "../oci/reference.ts";
import { RegistryAnswerError, registryOrigin } from "../oci/transport.ts";
import { progressBar } from "../source/progress_bar.ts";
import { readModule } from "../source/read_module.ts";
import type { Context } from "../base/context.ts";

type Options = ModeOptions<"push">;

/** A module on its way. */
interface Cargo {
  bytes: Uint8Array<ArrayBuffer>;
  info: string;
  onBytes: (length: number) => void;
}

/** Sends a module to a registry: what was pushed and its digest are the last line, as `-url` and `-sha256` take them. */
export async function runPush(options: Options, { io }: Context): Promise<number> {
  const { url, wasm, info = "" } = options;
  const send = url.startsWith("oci:") ? toOci(options, io.env) : toUpload(options);
  const bytes = readModule(resolve(io.cwd(), wasm));
  const bar = await progressBar(io.stderr, url);
  try {
    bar.start(bytes.length);
    const line = await send({ bytes, info, onBytes: bar.add });
    bar.stop();
    io.stdout.write(`${line}\n`);
    return 0;
  } finally {
    bar.stop();
  }
}

function toOci(options: Options, env: Env): (cargo: Cargo) => Promise<string> {
  const { url, insecure } = options;
  const reference = parseOciReference(url);
  if (reference.digest !== undefined) {
    throw new UsageError(`-url=${url} has a digest, which only its bytes give it`);
  }
  const { host, repository, tag = "latest" } = reference;
  const { origin } = new URL(registryOrigin({ host, insecure }));
  const token = tokenFor(origin, options);
  const credentials = (): Promise<Credentials | undefined> =>
    token === undefined
      ? dockerCredentials(host, env)
      : Promise.resolve({ kind: "password", username: "capsule", password: token });
  return async (cargo) => {
    const digest = await explained(
      pushModule({ ...cargo, reference, insecure, credentials }),
      origin,
      options,
    );
    return `oci://${host}/${repository}:${tag}@${digest}`;
  };
}

function toUpload(options: Options): (cargo: Cargo) => Promise<string> {
  const { origin, name } = readUploadUrl(options.url);
  const { user, module, tag } = name;
  const token = tokenFor(origin, options);
  return async (cargo) => {
    const digest = await explained(
      uploadModule(name, { ...cargo, origin, token }),
      origin,
      options,
    );
    return `${origin}/${user}/${module}/${tag}/${module}.wasm ${digest}`;
  };
}

/**
 * `-adminToken`, if that registry is one of this machine or the one that `-registry` names. The variable is set for whatever the user
 * does with Capsule's own servers: a registry of other people must not learn it.
 */
function tokenFor(origin: string, { adminToken, registry }: Options): string | undefined {
  const isOwn = isLoopback(new URL(origin).hostname) ||
    (registry !== undefined && new URL(registry).origin === origin);
  return isOwn ? adminToken : undefined;
}

/** The outcome; a refusal says so where there was a token that was not shown. */
async function explained<T>(outcome: Promise<T>, origin: string, options: Options): Promise<T> {
  try {
    return await outcome;
  } catch (error) {
    const isRefused = error instanceof RegistryAnswerError && [401, 403].includes(error.status);
    if (!isRefused || options.adminToken === undefined || tokenFor(origin, options) !== undefined) {
      throw error;
    }
    throw new CapsuleError(
      error.code,
      `${error.message}; -adminToken was not shown to it, which takes -registry=${origin}`,
      { cause: error },
    );
  }
}

/** `http://localhost:4999/k33g/hola/0.0.0`, or with `/upload` before it, as it is uploaded with curl. */
function readUploadUrl(text: string): { origin: string; name: ModuleName } {
  const url = new URL(text);
  if (url.protocol === "file:") {
    throw new UsageError(
      `-url=${text} is no registry: a module is pushed by http:, https: or oci:`,
    );
  }
  const [user, module, tag, ...more] = url.pathname.replace(/^\/upload\//, "/").split("/").filter((
    part,
  ) => part !== "");
  if (user === undefined || module === undefined || tag === undefined || more.length > 0) {
    throw new UsageError(
      `-url=${text} is not where a module can be pushed: it ends with /user/module/tag`,
    );
  }
  return { origin: url.origin, name: { user, module, tag } };
}
