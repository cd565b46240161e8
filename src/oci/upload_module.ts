import { bearer } from "../base/headers.ts";
import { CapsuleError } from "../base/errors.ts";
import { fetchReason } from "../base/errors.ts";
import { RegistryAnswerError } from "./transport.ts";
import { digestOf } from "../source/digest.ts";
import type { ModuleName } from "./names.ts";

/** What is uploaded where. */
export interface UploadOptions {
  /** Where the registry listens: `http://localhost:4999`. */
  origin: string;
  /** The registry's admin token. */
  token?: string;
  bytes: Uint8Array<ArrayBuffer>;
  info: string;
  /** Called with the length of every piece that is sent, those of the form included. */
  onBytes?: (length: number) => void;
}

/**
 * Uploads a module through the description's interface.
 *
 * @returns its digest, `sha256:…`.
 * @throws RegistryAnswerError with the registry's own words, such as that the tag holds other bytes; CapsuleError `REGISTRY` when there is no answer,
 * or it says that it stored something else.
 */
export async function uploadModule(
  { user, module, tag }: ModuleName,
  { origin, token, bytes, info, onBytes }: UploadOptions,
): Promise<string> {
  const form = new FormData();
  form.set("file", new Blob([bytes], { type: "application/wasm" }), `${module}.wasm`);
  form.set("info", info);
  const packed = new Response(form);
  const body = packed.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        onBytes?.(piece.length);
        controller.enqueue(piece);
      },
    }),
  );
  const headers = new Headers({ "content-type": packed.headers.get("content-type") ?? "" });
  if (token !== undefined) headers.set("authorization", bearer(token));
  let response: Response;
  try {
    response = await fetch(`${origin}/upload/${user}/${module}/${tag}`, {
      method: "POST",
      body,
      headers,
    });
  } catch (error) {
    throw new CapsuleError(
      "REGISTRY",
      `cannot reach the registry ${origin}: ${fetchReason(error)}`,
      {
        cause: error,
      },
    );
  }
  const text = await response.text();
  if (response.ok) {
    const digest = digestOf(bytes);
    const said = response.headers.get("docker-content-digest") ?? digest;
    if (said === digest) return digest;
    throw new CapsuleError(
      "REGISTRY",
      `the registry ${origin} stored ${said}, and was sent ${digest}`,
    );
  }
  throw new RegistryAnswerError(
    `the registry ${origin} answers ${response.status}: ${reasonOf(text)}`,
    response.status,
  );
}

function reasonOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) {
      return String(Reflect.get(body, "message") ?? text);
    }
  } catch {
    // It is no registry of ours: its own words.
  }
  return text.slice(0, 200);
}
