import { CapsuleError, fetchReason } from "../base/errors.ts";
import { httpFetch } from "../base/http_fetch.ts";

const timeoutMs = 5000;

/**
 * Requests a URL and returns a line with the status of the response.
 *
 * @throws CapsuleError `UNHEALTHY` for a status of 500 or more, and without a response in time.
 */
export async function healthCheck(url: string): Promise<string> {
  let status: number;
  try {
    const response = await httpFetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (error) {
    throw new CapsuleError("UNHEALTHY", `${url} does not answer: ${fetchReason(error)}`, {
      cause: error,
    });
  }
  if (status >= 500) throw new CapsuleError("UNHEALTHY", `${url} answers ${status}`);
  return `${url} answers ${status}\n`;
}
