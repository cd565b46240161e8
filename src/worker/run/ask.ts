/** A page that was asked for. */
export interface LocalResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * Asks a server of this machine for a page, on a connection of its own; `undefined` when it does not answer in time. Not `fetch`: that would
 * keep connections, on whose end a server that stops has to wait, and go through the proxy that HTTP_PROXY names.
 */
export async function ask(
  address: { hostname: string; port: number },
  path: string,
  timeoutMs: number,
): Promise<LocalResponse | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const tooLate = new Promise<undefined>((resolve) =>
    late.signal.addEventListener("abort", () => resolve(undefined))
  );
  try {
    return await Promise.race([exchange(address, path, late.signal), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  address: { hostname: string; port: number },
  path: string,
  late: AbortSignal,
): Promise<LocalResponse | undefined> {
  try {
    using connection = await Deno.connect(address);
    late.addEventListener("abort", () => connection.close());
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(4096);
    const decoder = new TextDecoder();
    let answer = "";
    for (
      let count = await connection.read(buffer);
      count !== null;
      count = await connection.read(buffer)
    ) {
      answer += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
    const end = answer.indexOf("\r\n\r\n");
    return end < 0 || Number.isNaN(status) ? undefined : { status, body: answer.slice(end + 4) };
  } catch {
    return undefined;
  }
}
