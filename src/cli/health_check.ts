import { CapsuleError, messageOf } from "../base/errors.ts";

/** How long an answer may take, in milliseconds. */
const timeoutMs = 5000;

/**
 * Asks a server for a URL and says what it answered.
 *
 * @throws CapsuleError `UNHEALTHY` when it does not answer, or with a status of 500 or more.
 */
export async function healthCheck(url: string): Promise<string> {
  let status: number;
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (error) {
    throw new CapsuleError("UNHEALTHY", `${url} does not answer: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (status >= 500) throw new CapsuleError("UNHEALTHY", `${url} answers ${status}`);
  return `${url} answers ${status}\n`;
}
