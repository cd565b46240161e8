import { CapsuleError } from "../base/errors.ts";
import { readText } from "../base/read_text.ts";
import { listenReason } from "./listen_failure.ts";

/**
 * A certificate and its key as PEM text, from their files.
 *
 * @throws CapsuleError `TLS`, with the flag and the path of what cannot be read.
 */
export async function readPem(
  tls: { crt: string; key: string },
): Promise<{ cert: string; key: string }> {
  const read = async (flag: string, path: string) => {
    try {
      return await readText(path);
    } catch (error) {
      throw new CapsuleError("TLS", `cannot read ${flag}=${path}: ${listenReason(error)}`, {
        cause: error,
      });
    }
  };
  return { cert: await read("-crt", tls.crt), key: await read("-key", tls.key) };
}
