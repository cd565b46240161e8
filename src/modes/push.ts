import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { RegistryClient } from "../registry/client.ts";
import type { ModuleName } from "../registry/store/names.ts";
import { pushModule } from "../registry/oci/push.ts";
import { dockerCredentials } from "../source/docker_credentials.ts";
import { parseOciReference } from "../source/oci_reference.ts";
import { progressBar } from "../source/progress_bar.ts";
import { readModule } from "../source/read_module.ts";
import type { World } from "./modes.ts";

/** Sends a module to a registry: what was pushed and its digest are the last line, as `-url` and `-sha256` take them. */
export async function runPush(options: ModeOptions<"push">, { io }: World): Promise<number> {
  const { url, wasm, info = "", insecure, adminToken } = options;
  const bytes = readModule(resolve(io.cwd(), wasm));
  const bar = await progressBar(io.stderr, url);
  try {
    bar.start(bytes.length);
    const line = url.startsWith("oci:") ? await pushOci() : await upload();
    bar.stop();
    io.stdout.write(`${line}\n`);
    return 0;
  } finally {
    bar.stop();
  }

  async function pushOci(): Promise<string> {
    const reference = parseOciReference(url);
    if (reference.digest !== undefined) {
      throw new UsageError(`-url=${url} has a digest, which only its bytes give it`);
    }
    const { host, repository, tag = "latest" } = reference;
    const digest = await pushModule({
      reference,
      bytes,
      info,
      insecure,
      onBytes: bar.add,
      credentials: () =>
        adminToken === undefined
          ? dockerCredentials(host, io.env)
          : Promise.resolve({ kind: "password", username: "capsule", password: adminToken }),
    });
    return `oci://${host}/${repository}:${tag}@${digest}`;
  }

  async function upload(): Promise<string> {
    const { origin, name } = readUploadUrl(url);
    const client = new RegistryClient({ url: origin, token: adminToken });
    const digest = await client.upload(name, { bytes, info, onBytes: bar.add });
    return `${client.moduleUrl(name)} ${digest}`;
  }
}

/** `http://localhost:4999/k33g/hola/0.0.0`, or with `/upload` before it, as it is uploaded with curl. */
function readUploadUrl(text: string): { origin: string; name: ModuleName } {
  const url = new URL(text);
  const [user, module, tag, ...more] = url.pathname.replace(/^\/upload\//, "/").split("/").filter((part) =>
    part !== ""
  );
  if (user === undefined || module === undefined || tag === undefined || more.length > 0) {
    throw new UsageError(`-url=${text} is not where a module can be pushed: it ends with /user/module/tag`);
  }
  return { origin: url.origin, name: { user, module, tag } };
}
