import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { readText } from "../base/read_text.ts";

/**
 * The token that a file keeps; where there is no file yet, one with a new token (256 random bits) that only its owner may read.
 *
 * @throws CapsuleError `TOKEN` when the file cannot be read or made, or holds something else.
 */
export async function tokenOfFile(path: string, log: Log): Promise<string> {
  try {
    return await readToken(path, log) ?? await makeToken(path) ?? await tokenOfFile(path, log);
  } catch (error) {
    if (error instanceof CapsuleError) throw error;
    throw new CapsuleError("TOKEN", `cannot keep a token in ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** `undefined` when there is no file. */
async function readToken(path: string, log: Log): Promise<string | undefined> {
  let text: string;
  try {
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & 0o077) !== 0 && Deno.build.os !== "windows") {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      log.warn(`others could read ${path} (mode ${octal}, now 0600): remove it to get a new token`);
      await Deno.chmod(path, 0o600);
    }
    text = await readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const token = text.trim();
  if (/^[\x21-\x7e]{16,}$/.test(token)) return token;
  throw new CapsuleError(
    "TOKEN",
    `${path} holds no token, which has at least 16 characters and no space: remove it to get a new one`,
  );
}

/** Written aside, so that the file is there with the whole token or not at all; `undefined` when another was first. */
async function makeToken(path: string): Promise<string | undefined> {
  const token = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const aside = `${path}.${crypto.randomUUID()}.new`;
  try {
    {
      using file = await Deno.open(aside, { write: true, createNew: true, mode: 0o600 });
      await file.write(new TextEncoder().encode(`${token}\n`));
      await file.sync();
    }
    await Deno.link(aside, path);
    return token;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  } finally {
    await Deno.remove(aside).catch(() => {});
  }
}
