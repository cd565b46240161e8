/** A connection that says exactly what it is told, and reads one answer at a time. */
export interface RawConnection extends Disposable {
  send(text: string | Uint8Array): Promise<void>;
  /** The next answer, its body by its `Content-Length`; `undefined` when the server closed the connection. */
  answer(): Promise<{ status: number; head: string; body: string } | undefined>;
  /** Waits until the server closes, and says whether anything came before. */
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

/** Returns once nobody listens on the port: a listener closes a moment after its server was told to stop. */
export async function untilRefused(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // Reset: it was still in the queue of the listener that closed.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }
}
