/** The response of a local server. */
export interface TextResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends a GET to a server of this machine; `undefined` without a whole response in time.
 *
 * Not `fetch`: it keeps connections open, which delays the stop of the server, and follows
 * `HTTP_PROXY`. `node:http` is loaded by the first call, because a worker starts without it.
 */
export async function getLocal(
  { hostname, port }: { hostname: string; port: number },
  path: string,
  timeoutMs: number,
): Promise<TextResponse | undefined> {
  const { get } = await import("node:http");
  return await new Promise((resolve) => {
    const fail = () => {
      clearTimeout(late);
      request.destroy();
      resolve(undefined);
    };
    const request = get({ hostname, port, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => body += text);
      response.on("end", () => {
        clearTimeout(late);
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on("error", fail);
    });
    request.on("error", fail);
    const late = setTimeout(fail, timeoutMs);
  });
}
