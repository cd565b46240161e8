import { resolve } from "node:path";
import { CapsuleError, UsageError } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { isLoopback } from "../base/hosts.ts";
import { onlyModule } from "./module_bytes.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { uploadModule } from "../oci/upload_module.ts";
import { pushModule } from "../oci/push_module.ts";
import type { ModuleName } from "../oci/names.ts";
import { type Credentials, dockerCredentials } from "../oci/docker_credentials.ts";
import { parseOciReference } from "../oci/reference.ts";
import { RegistryAnswerError, registryOrigin } from "../oci/transport.ts";
import { progressBar } from "../source/progress_bar.ts";
import { isComponentHeader, readModule } from "../source/read_module.ts";
import type { Context } from "../base/context.ts";

type Options = ModeOptions<"push">;

/** A module to upload. */
interface Upload {
  bytes: Uint8Array<ArrayBuffer>;
  info: string;
  onBytes: (length: number) => void;
}

/** Uploads a module to a registry and prints its URL and digest, for `-url` and `-sha256`. */
export async function runPush(options: Options, { io }: Context): Promise<number> {
  const { url, info = "" } = options;
  const wasm = onlyModule(options.wasm);
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

function toOci(options: Options, env: Env): (upload: Upload) => Promise<string> {
  const { url, insecure } = options;
  const reference = parseOciReference(url);
  if (reference.digest !== undefined) {
    throw new UsageError(`-url=${url} has a digest, which follows from the module`);
  }
  const { host, repository, tag = "latest" } = reference;
  const { origin } = new URL(registryOrigin({ host, insecure }));
  const token = tokenFor(origin, options);
  const credentials = (): Promise<Credentials | undefined> =>
    token === undefined
      ? dockerCredentials(host, env)
      : Promise.resolve({ kind: "password", username: "capsule", password: token });
  return async (upload) => {
    const component = isComponentHeader(upload.bytes)
      ? (await import("../component/format/outer_names.ts")).outerNames(upload.bytes)
      : undefined;
    const digest = await explainRefusal(
      pushModule({ ...upload, reference, insecure, credentials, component }),
      origin,
      options,
    );
    return `oci://${host}/${repository}:${tag}@${digest}`;
  };
}

function toUpload(options: Options): (upload: Upload) => Promise<string> {
  const { origin, name } = readUploadUrl(options.url);
  const { user, module, tag } = name;
  const token = tokenFor(origin, options);
  return async (upload) => {
    const digest = await explainRefusal(
      uploadModule(name, { ...upload, origin, token }),
      origin,
      options,
    );
    return `${origin}/${user}/${module}/${tag}/${module}.wasm ${digest}`;
  };
}

/**
 * Returns `-adminToken` for a registry on this machine or that of `-registry`. The variable may be
 * set for the user's own servers: other registries must not receive the token.
 */
function tokenFor(origin: string, { adminToken, registry }: Options): string | undefined {
  const isOwn = isLoopback(new URL(origin).hostname) ||
    (registry !== undefined && new URL(registry).origin === origin);
  return isOwn ? adminToken : undefined;
}

/** Adds to the message of a refusal that `-adminToken` was not sent, if so. */
async function explainRefusal<T>(
  outcome: Promise<T>,
  origin: string,
  options: Options,
): Promise<T> {
  try {
    return await outcome;
  } catch (error) {
    const isRefused = error instanceof RegistryAnswerError && [401, 403].includes(error.status);
    if (!isRefused || options.adminToken === undefined || tokenFor(origin, options) !== undefined) {
      throw error;
    }
    throw new CapsuleError(
      error.code,
      `${error.message}; -adminToken was not sent to it, which requires -registry=${origin}`,
      { cause: error },
    );
  }
}

/** Parses `http://localhost:4999/k33g/hola/0.0.0`, with or without `/upload` before the path. */
function readUploadUrl(text: string): { origin: string; name: ModuleName } {
  const url = new URL(text);
  if (url.protocol === "file:") {
    throw new UsageError(
      `-url=${text} is not a registry: a module is pushed by http:, https: or oci:`,
    );
  }
  const [user, module, tag, ...more] = url.pathname.replace(/^\/upload\//, "/").split("/").filter((
    part,
  ) => part !== "");
  if (user === undefined || module === undefined || tag === undefined || more.length > 0) {
    throw new UsageError(
      `-url=${text} is not a place for a module: it must end with /user/module/tag`,
    );
  }
  return { origin: url.origin, name: { user, module, tag } };
}
