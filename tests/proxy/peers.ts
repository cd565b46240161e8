import { byteText, textBytes } from "../../src/proxy/http1/characters.ts";

/** One end of a connection that says exactly what it is told, and keeps all that it hears; one character is one byte. */
export class Peer implements Disposable {
  heard = "";
  ended = false;
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(65536);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<Peer> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new Peer(connection);
  }

  async send(text: string | Uint8Array): Promise<void> {
    let rest = typeof text === "string" ? textBytes(text) : text;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Sends a piece again and again until nobody takes it for a while, `most` times at most; `sent` settles with what is stuck. */
  async sendUntilStuck(
    piece: Uint8Array,
    most: number,
  ): Promise<{ count: number; sent: Promise<void> }> {
    for (let count = 0; count < most; count++) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stuck = new Promise<true>((resolve) => timer = setTimeout(() => resolve(true), 300));
      const sent = this.send(piece).catch(() => {});
      const isStuck = await Promise.race([sent, stuck]);
      clearTimeout(timer);
      if (isStuck) return { count, sent };
    }
    return { count: most, sent: Promise.resolve() };
  }

  /** Hears more; false at the end. A reset is an end, too. */
  async hear(): Promise<boolean> {
    const count = await this.#connection.read(this.#buffer).catch(() => null);
    if (count === null) this.ended = true;
    else this.heard += byteText(this.#buffer, 0, count);
    return count !== null;
  }

  /** Hears up to this text, takes and returns everything up to its end. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.heard.indexOf(text);
      if (at >= 0) return this.take(at + text.length);
      if (!await this.hear()) {
        throw new Error(`the connection ended before ${JSON.stringify(text)}: ${this.heard}`);
      }
    }
  }

  /** Hears that many bytes and takes them. */
  async exactly(count: number): Promise<string> {
    while (this.heard.length < count) {
      if (!await this.hear()) throw new Error(`ended early: ${this.heard}`);
    }
    return this.take(count);
  }

  /** The next head, and the body that its Content-Length says. */
  async message(): Promise<string> {
    const head = await this.until("\r\n\r\n");
    return head + await this.exactly(Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0));
  }

  /** Hears that many bytes, keeps none, and returns how many there were. */
  async count(bytes: number): Promise<number> {
    let seen = this.heard.length;
    this.heard = "";
    while (seen < bytes) {
      const count = await this.#connection.read(this.#buffer);
      if (count === null) break;
      seen += count;
    }
    return seen;
  }

  /** Hears until the connection ends and returns all. */
  async toEnd(): Promise<string> {
    while (await this.hear());
    return this.take(this.heard.length);
  }

  take(count: number): string {
    const taken = this.heard.slice(0, count);
    this.heard = this.heard.slice(count);
    return taken;
  }

  closeWrite(): Promise<void> {
    return (this.#connection as Deno.TcpConn).closeWrite();
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A server whose every answer the test writes itself. */
export class RawServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #peers: Peer[] = [];
  #closed = false;

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next connection. */
  async accept(): Promise<Peer> {
    const peer = new Peer(await this.#listener.accept());
    this.#peers.push(peer);
    return peer;
  }

  /** Answers every request on every connection until it is closed. `answer` gets the head. */
  async serve(answer: (head: string) => string): Promise<void> {
    for (;;) {
      let peer: Peer;
      try {
        peer = await this.accept();
      } catch {
        return;
      }
      (async () => {
        try {
          for (;;) await peer.send(answer(await peer.message()));
        } catch {
          peer.close();
        }
      })();
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const peer of this.#peers) peer.close();
  }
}
