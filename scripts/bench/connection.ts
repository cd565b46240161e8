/** A keep-alive client connection without buffers, cheap enough for ten thousand of them. */
export class Connection implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends a request without a body and reads its answer. */
  async request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<string> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = method === "POST" ? "Content-Length: 0\r\n" : "";
    const text = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}${lines}\r\n`;
    await writeAll(this.#connection, new TextEncoder().encode(text));
    return await readAnswer(this.#connection);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}

/** Reads a response with a Content-Length. Returns status and body as `200 text`. */
async function readAnswer(from: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(2048);
  let text = "";
  for (;;) {
    const [head = "", body] = text.split("\r\n\r\n");
    const length = Number(head.match(/\r\ncontent-length: (\d+)/i)?.[1] ?? NaN);
    if (body !== undefined && body.length >= length) return `${head.slice(9, 12)} ${body}`;
    if (body !== undefined && Number.isNaN(length)) {
      throw new Error(`a response without Content-Length: ${head}`);
    }
    const count = await from.read(buffer);
    if (count === null) throw new Error("the server closed the connection");
    text += String.fromCharCode(...buffer.subarray(0, count));
  }
}
