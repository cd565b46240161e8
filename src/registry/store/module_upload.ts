import { artifactOf } from "../../oci/artifact.ts";
import { parseManifest } from "../../oci/manifest.ts";
import type { ModuleName } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";
import type { Digest } from "../../source/digest.ts";
import type { BlobWriter } from "./blob_writer.ts";
import { recordOf } from "./read_manifest.ts";
import type { StoredBlobs } from "./stored_blobs.ts";
import type { TagChanges } from "./tag_changes.ts";

/** The outcome of an upload: a new tag, a tag with other bytes, or no change. */
export type UploadOutcome = "created" | "replaced" | "same";

/** Stores uploaded modules as OCI artifacts, so that OCI clients can pull them. */
export class ModuleUpload {
  readonly #blobs: StoredBlobs;
  readonly #changes: TagChanges;

  constructor(blobs: StoredBlobs, changes: TagChanges) {
    this.#blobs = blobs;
    this.#changes = changes;
  }

  /**
   * Stores the module in the writer, with a manifest, and points its tag to that. Requires that no
   * other change of the repository is in progress.
   *
   * @param at when it was created, in milliseconds since 1970; now by default.
   * @throws HttpError 409 `TAG_EXISTS`, 507 `DISK_FULL`
   */
  async put(
    { user, module, tag }: ModuleName,
    writer: BlobWriter,
    { info, overwrite, at = Date.now() }: { info: string; overwrite: boolean; at?: number },
  ): Promise<{ outcome: UploadOutcome; digest: Digest }> {
    const repository = `${user}/${module}`;
    const { catalog } = this.#changes;
    const digest = writer.digest();
    const known = catalog.repository(repository);
    const before = known?.tags.get(tag);
    const held = before && known?.manifests.get(before.digest)?.module;
    if (held?.digest === digest) return { outcome: "same", digest };
    if (before && !overwrite) {
      throw new HttpError(
        409,
        "TAG_EXISTS",
        `${repository}/${tag} holds other bytes (${
          held?.digest ?? before.digest
        }): choose another tag, or start the registry with -overwrite`,
      );
    }
    const facts = { digest, size: writer.size, info };
    const { config, manifest } = artifactOf({ module, ...facts, at });
    await using configWriter = await this.#blobs.write(config);
    await using manifestWriter = await this.#blobs.write(manifest);
    const [configDigest, manifestDigest] = [configWriter.digest(), manifestWriter.digest()];
    using _held = this.#blobs.hold([digest, configDigest, manifestDigest]);
    const record = recordOf(parseManifest(manifest), {
      digest: manifestDigest,
      size: manifest.length,
      module: facts,
    });
    await this.#changes.apply(repository, [{ tag, module: facts }], [
      await this.#blobs.keep(writer, digest),
      await this.#blobs.keep(configWriter, configDigest),
      await this.#blobs.keep(manifestWriter, manifestDigest),
      { op: "link", repository, digest },
      { op: "link", repository, digest: configDigest },
      { op: "manifest", repository, ...record },
      { op: "tag", repository, tag, digest: manifestDigest, at },
      ...(before ? catalog.unmanifest(repository, { tag, digest: before.digest }) : []),
    ]);
    return { outcome: before ? "replaced" : "created", digest };
  }
}
