import { CapsuleError, messageOf } from "../base/errors.ts";

/**
 * Certificate and key as PEM text.
 *
 * @throws CapsuleError `TLS` when a file cannot be read.
 */
export async function readTls(crt: string, key: string): Promise<{ cert: string; key: string }> {
  const read = async (flag: string, path: string) => {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      const reason = error instanceof Deno.errors.NotFound ? "no such file" : messageOf(error);
      throw new CapsuleError("TLS", `cannot read ${flag}=${path}: ${reason}`, { cause: error });
    }
  };
  return { cert: await read("-crt", crt), key: await read("-key", key) };
}
