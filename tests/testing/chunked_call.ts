import { ByteReader } from "../e2e/wasmtime/raw_exchange.ts";

/** A POST whose bodies are sent and received in chunks, in any order. Texts are byte strings. */
export class ChunkedCall implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #reader: ByteReader;
  #received = "";
  /** The `Content-Length` of a response that is not in chunks. */
  #length: number | undefined;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reader = new ByteReader(connection);
  }

  /** Sends the head of a request. */
  static async open(url: string | URL): Promise<ChunkedCall> {
    const { hostname, port, pathname, search } = new URL(url);
    const call = new ChunkedCall(await Deno.connect({ hostname, port: Number(port) }));
    call.#connection.setNoDelay();
    await call.#write(
      `POST ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
        "Transfer-Encoding: chunked\r\n\r\n",
    );
    return call;
  }

  async #write(given: string | Uint8Array): Promise<void> {
    let rest = typeof given === "string"
      ? Uint8Array.from(given, (character) => character.charCodeAt(0))
      : given;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Sends one chunk. */
  async send(chunk: string | Uint8Array): Promise<void> {
    await this.#write(`${chunk.length.toString(16)}\r\n`);
    await this.#write(chunk);
    await this.#write("\r\n");
  }

  /** Ends the request's body. */
  async end(): Promise<void> {
    await this.#write("0\r\n\r\n");
  }

  /** Reads the head of the response and returns its status. */
  async status(): Promise<number> {
    const head = await this.#reader.until("\r\n\r\n");
    const length = /content-length: (\d+)/i.exec(head ?? "")?.[1];
    this.#length = length === undefined ? undefined : Number(length);
    return Number(head?.slice(9, 12));
  }

  /** Reads the next chunk of the response; empty at its end, undefined if it is cut. */
  async #chunk(): Promise<string | undefined> {
    const size = await this.#reader.until("\r\n");
    if (size === undefined) return undefined;
    const chunk = await this.#reader.take(parseInt(size, 16));
    await this.#reader.until("\r\n");
    return chunk;
  }

  /** Reads the response's body up to and with `end`; undefined if it ends or is cut before. */
  async until(end: string): Promise<string | undefined> {
    while (!this.#received.includes(end)) {
      const chunk = await this.#chunk();
      if (!chunk) return undefined;
      this.#received += chunk;
    }
    const length = this.#received.indexOf(end) + end.length;
    const found = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return found;
  }

  /** Reads the rest of the response's body; undefined if it is cut. */
  async rest(): Promise<string | undefined> {
    if (this.#length !== undefined) return await this.#reader.take(this.#length);
    for (;;) {
      const chunk = await this.#chunk();
      if (chunk === undefined) return undefined;
      if (chunk === "") return this.#received;
      this.#received += chunk;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
