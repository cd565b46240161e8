/** A connection for raw HTTP. */
export interface RawConnection extends Disposable {
  send(text: string | Uint8Array): Promise<void>;
  /**
   * Reads a response whose body has a `Content-Length`; `undefined` if the server closes before.
   */
  answer(): Promise<{ status: number; head: string; body: string } | undefined>;
  /** Waits until the server closes; reports whether it sent nothing before. */
  closed(): Promise<boolean>;
}

export async function connect(port: number): Promise<RawConnection> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const buffer = new Uint8Array(65536);
  let pending = "";
  const more = async (): Promise<boolean> => {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return false;
    for (const byte of buffer.subarray(0, count)) pending += String.fromCharCode(byte);
    return true;
  };
  return {
    async send(text) {
      let rest = typeof text === "string" ? new TextEncoder().encode(text) : text;
      while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
    },
    async answer() {
      for (;;) {
        while (!pending.includes("\r\n\r\n")) if (!await more()) return undefined;
        const end = pending.indexOf("\r\n\r\n") + 4;
        const head = pending.slice(0, end);
        const status = Number(head.slice(9, 12));
        pending = pending.slice(end);
        if (status === 100) continue;
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        while (pending.length < length) if (!await more()) return undefined;
        const body = pending.slice(0, length);
        pending = pending.slice(length);
        return { status, head, body };
      }
    },
    async closed() {
      const before = pending.length;
      while (await more());
      return pending.length === before;
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

/**
 * Waits until nothing listens on the port: a listener closes shortly after its server is stopped.
 */
export async function untilRefused(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // Reset while it was in the backlog of the listener.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }
}
