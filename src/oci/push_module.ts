import type { Credentials } from "./docker_credentials.ts";
import { type OciReference } from "./reference.ts";
import { OciTransport } from "./transport.ts";
import { artifactOf } from "./artifact.ts";
import { digestOf } from "../source/digest.ts";
import { mediaTypes } from "./manifest.ts";

/** What is pushed where. */
export interface PushOptions {
  reference: OciReference;
  bytes: Uint8Array<ArrayBuffer>;
  info: string;
  insecure?: boolean;
  credentials: () => Promise<Credentials | undefined>;
  onBytes?: (length: number) => void;
}

/** Sent at once up to here, and above it in pieces of this size, or larger ones if the registry wants so, so that a person sees how far it is. */
const chunkBytes = 4 * 1024 * 1024;

/**
 * Pushes a module as an OCI artifact, to any registry that speaks the protocol. Blobs that are there already are not sent again.
 *
 * @returns the digest of the manifest.
 * @throws RegistryAnswerError with the registry's words; CapsuleError `DOWNLOAD` when there is no answer, `CREDENTIALS`.
 */
export async function pushModule(options: PushOptions): Promise<string> {
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
  });
  await pushBlob(transport, repository, { bytes, digest, onBytes });
  await pushBlob(transport, repository, { bytes: config, digest: digestOf(config) });
  const response = await transport.request(`/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    body: manifest,
    headers: { "content-type": mediaTypes.image },
  }, [201]);
  await response.body?.cancel();
  return digestOf(manifest);
}

async function pushBlob(
  transport: OciTransport,
  repository: string,
  { bytes, digest, onBytes }: {
    bytes: Uint8Array<ArrayBuffer>;
    digest: string;
    onBytes?: (length: number) => void;
  },
): Promise<void> {
  const there = await transport.request(`/v2/${repository}/blobs/${digest}`, { method: "HEAD" }, [
    200,
    404,
  ]);
  await there.body?.cancel();
  if (there.status === 200) return onBytes?.(bytes.length);
  const next = (response: Response) => {
    const location = response.headers.get("location") ?? "";
    return new URL(location, response.url);
  };
  const begun = await transport.request(`/v2/${repository}/blobs/uploads/`, { method: "POST" }, [
    202,
  ]);
  await begun.body?.cancel();
  let url = next(begun);
  // Some registries put an upload together from parts that must not be small.
  const length = Math.max(chunkBytes, Number(begun.headers.get("oci-chunk-min-length")) || 0);
  let sent = 0;
  while (bytes.length - sent > length) {
    const end = sent + length;
    const response = await transport.request(url.href, {
      method: "PATCH",
      body: bytes.subarray(sent, end),
      headers: {
        "content-type": "application/octet-stream",
        "content-range": `${sent}-${end - 1}`,
      },
    }, [202]);
    await response.body?.cancel();
    url = next(response);
    sent = end;
    onBytes?.(length);
  }
  url.searchParams.set("digest", digest);
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  if (sent > 0) headers["content-range"] = `${sent}-${bytes.length - 1}`;
  const done = await transport.request(url.href, {
    method: "PUT",
    body: bytes.subarray(sent),
    headers,
  }, [
    201,
  ]);
  await done.body?.cancel();
  onBytes?.(bytes.length - sent);
}
