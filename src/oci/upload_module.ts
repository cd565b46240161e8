import { httpFetch } from "../base/http_fetch.ts";
import { CapsuleError, fetchReason } from "../base/errors.ts";
import { bearer } from "../base/headers.ts";
import { isObject } from "../base/json.ts";
import { type Digest, digestOf } from "../source/digest.ts";
import type { ModuleName } from "./names.ts";
import { readFirstBytes } from "./response_body.ts";
import { RegistryAnswerError } from "./transport.ts";

/** Options of `uploadModule`. */
export interface UploadOptions {
  /** The registry's origin: `http://localhost:4999`. */
  origin: string;
  /** The registry's admin token. */
  token?: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** The module's description. */
  info: string;
  /** Called with the length of each piece of the form that was sent. */
  onBytes?: (length: number) => void;
}

/** The largest response that is read. */
const maxResponseBytes = 64 * 1024;

/**
 * Uploads a module through a Capsule registry's own interface, as a form.
 *
 * @returns the module's digest.
 * @throws RegistryAnswerError if the registry refuses; CapsuleError `REGISTRY` if it does not
 * respond, or stored other bytes.
 */
export async function uploadModule(
  { user, module, tag }: ModuleName,
  { origin, token, bytes, info, onBytes }: UploadOptions,
): Promise<Digest> {
  const form = new FormData();
  form.set("file", new Blob([bytes], { type: "application/wasm" }), `${module}.wasm`);
  form.set("info", info);
  const encoded = new Response(form);
  const headers = new Headers({ "content-type": encoded.headers.get("content-type") ?? "" });
  if (token !== undefined) headers.set("authorization", bearer(token));
  let response: Response;
  try {
    response = await httpFetch(`${origin}/upload/${user}/${module}/${tag}`, {
      method: "POST",
      body: encoded.body?.pipeThrough(counter(onBytes)),
      headers,
    });
  } catch (error) {
    throw new CapsuleError(
      "REGISTRY",
      `cannot reach the registry ${origin}: ${fetchReason(error)}`,
      { cause: error },
    );
  }
  const text = new TextDecoder().decode(await readFirstBytes(response, maxResponseBytes));
  if (!response.ok) {
    throw new RegistryAnswerError(
      `the registry ${origin} responded with ${response.status}: ${reasonOf(text)}`,
      response.status,
    );
  }
  const digest = digestOf(bytes);
  const stored = response.headers.get("docker-content-digest") ?? digest;
  if (stored === digest) return digest;
  throw new CapsuleError(
    "REGISTRY",
    `the registry ${origin} stored ${stored}, and was sent ${digest}`,
  );
}

function counter(onBytes: (length: number) => void = () => {}) {
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      onBytes(piece.length);
      controller.enqueue(piece);
    },
  });
}

/** Returns the message of a JSON error, or the beginning of another server's text. */
function reasonOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && body.message !== undefined) return String(body.message);
  } catch {
    // Another server's page.
  }
  return text.slice(0, 200);
}
