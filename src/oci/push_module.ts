import { type Digest, digestOf } from "../source/digest.ts";
import { artifactOf, type ComponentNames } from "./artifact.ts";
import type { Credentials } from "./docker_credentials.ts";
import { mediaTypes } from "./manifest.ts";
import type { OciReference } from "./reference.ts";
import { OciTransport } from "./transport.ts";

/** Options of `pushModule`. */
export interface PushOptions {
  reference: OciReference;
  bytes: Uint8Array<ArrayBuffer>;
  /** The module's description. */
  info: string;
  /** Set for a component. */
  component?: ComponentNames;
  /** Plain HTTP for a host that is not this machine. */
  insecure?: boolean;
  credentials: () => Promise<Credentials | undefined>;
  /** Called with the length of each piece of the module that was sent. */
  onBytes?: (length: number) => void;
}

/**
 * A larger blob is sent in chunks, so that a progress bar moves. The registry may ask for larger
 * ones.
 */
const chunkBytes = 4 * 1024 * 1024;

/**
 * Pushes a module as an OCI artifact to a registry. Blobs that it has already are not sent again.
 *
 * @returns the manifest's digest.
 * @throws RegistryAnswerError; CapsuleError `DOWNLOAD` without a response, `CREDENTIALS`.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
 */
export async function pushModule(options: PushOptions): Promise<Digest> {
  const { reference, bytes, info, insecure, credentials, onBytes } = options;
  const { host, repository, tag = "latest" } = reference;
  const transport = new OciTransport({ host, insecure, credentials, answerMs: 120_000 });
  const module = repository.slice(repository.lastIndexOf("/") + 1);
  const digest = digestOf(bytes);
  const { config, manifest } = artifactOf({
    module,
    digest,
    size: bytes.length,
    info,
    at: Date.now(),
    component: options.component,
  });
  await pushBlob(transport, repository, { bytes, digest, onBytes });
  await pushBlob(transport, repository, { bytes: config, digest: digestOf(config) });
  await send(transport, `/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    body: manifest,
    headers: { "content-type": mediaTypes.image },
  }, [201]);
  return digestOf(manifest);
}

/** A blob that is pushed. */
interface PushedBlob {
  bytes: Uint8Array<ArrayBuffer>;
  digest: Digest;
  onBytes?: (length: number) => void;
}

async function pushBlob(
  transport: OciTransport,
  repository: string,
  { bytes, digest, onBytes }: PushedBlob,
): Promise<void> {
  const blob = `/v2/${repository}/blobs/${digest}`;
  const { status } = await send(transport, blob, { method: "HEAD" }, [200, 404]);
  if (status === 200) return onBytes?.(bytes.length);

  const uploads = `/v2/${repository}/blobs/uploads/`;
  const begun = await send(transport, uploads, { method: "POST" }, [202]);
  let url = locationOf(begun);
  const length = Math.max(chunkBytes, Number(begun.headers.get("oci-chunk-min-length")) || 0);
  const type = { "content-type": "application/octet-stream" };
  let sent = 0;
  while (bytes.length - sent > length) {
    const end = sent + length;
    const response = await send(transport, url.href, {
      method: "PATCH",
      body: bytes.subarray(sent, end),
      headers: { ...type, "content-range": `${sent}-${end - 1}` },
    }, [202]);
    url = locationOf(response);
    sent = end;
    onBytes?.(length);
  }
  url.searchParams.set("digest", digest);
  await send(transport, url.href, {
    method: "PUT",
    body: bytes.subarray(sent),
    headers: { ...type, ...(sent > 0 && { "content-range": `${sent}-${bytes.length - 1}` }) },
  }, [201]);
  onBytes?.(bytes.length - sent);
}

/** Sends a request whose response has no body of interest. */
async function send(
  transport: OciTransport,
  path: string,
  init: RequestInit,
  expected: readonly number[],
): Promise<Response> {
  const response = await transport.request(path, init, expected);
  await response.body?.cancel();
  return response;
}

function locationOf(response: Response): URL {
  return new URL(response.headers.get("location") ?? "", response.url);
}
