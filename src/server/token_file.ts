import { writeFileAtomically } from "../base/atomic_file.ts";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/**
 * Returns the token in a file. If there is no file, creates it with a new token of 256 random bits
 * that only its owner may read.
 *
 * @throws CapsuleError `TOKEN` if the file cannot be read or created, has no token, or could have
 * been written by another user.
 */
export async function tokenOfFile(path: string, log: Log): Promise<string> {
  try {
    return await readToken(path, log) ?? await createToken(path) ?? await tokenOfFile(path, log);
  } catch (error) {
    if (error instanceof CapsuleError) throw error;
    throw new CapsuleError("TOKEN", `cannot keep a token in ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Upper bound on the length of a token. */
const maxBytes = 4096;

/** Returns `undefined` if there is no file. */
async function readToken(path: string, log: Log): Promise<string | undefined> {
  let text: string;
  try {
    // A link of another user could lead to a file of ours whose text that user knows.
    assertTrusted(path, (await Deno.lstat(path)).uid);
    using file = await Deno.open(path);
    const { mode, uid } = await file.stat();
    assertTrusted(path, uid);
    if (mode !== null && Deno.build.os !== "windows") await assertPrivate(path, mode & 0o777, log);
    const bytes = new Uint8Array(maxBytes);
    text = new TextDecoder().decode(bytes.subarray(0, await file.read(bytes) ?? 0));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const token = text.trim();
  if (/^[\x21-\x7e]{16,}$/.test(token)) return token;
  throw unusable(path, "it has no token of at least 16 ASCII characters without spaces");
}

/** In a folder that others may write to, another user may have created the file. */
function assertTrusted(path: string, owner: number | null): void {
  const user = Deno.uid();
  if (owner === null || user === null || owner === user || owner === 0) return;
  throw unusable(path, `it belongs to user ${owner}, and this program runs as user ${user}`);
}

async function assertPrivate(path: string, mode: number, log: Log): Promise<void> {
  const octal = mode.toString(8).padStart(4, "0");
  if ((mode & 0o022) !== 0) throw unusable(path, `others could write it (mode ${octal})`);
  if ((mode & 0o077) === 0) return;
  log.warn(`others could read ${path} (mode ${octal}, now 0600): remove it to get a new token`);
  await Deno.chmod(path, 0o600);
}

function unusable(path: string, reason: string): CapsuleError {
  return new CapsuleError(
    "TOKEN",
    `cannot use ${path} as a token: ${reason}; remove it to get a new one`,
  );
}

/** Returns `undefined` if another process created the file first. */
async function createToken(path: string): Promise<string | undefined> {
  const token = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  try {
    await writeFileAtomically(path, `${token}\n`, { createNew: true, mode: 0o600 });
    return token;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
}
