import { encodeByteString } from "../../src/base/byte_string.ts";
import { byteText } from "../../src/http1/characters.ts";

/** One end of a raw connection. Texts are Latin-1: one character is one byte. */
export class Peer implements Disposable {
  received = "";
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
    let rest = typeof text === "string" ? encodeByteString(text) : text;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Sends a piece up to `most` times, until a send stalls; `sent` settles with that send. */
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

  /** Reads more; returns false at the end or after a reset. */
  async receive(): Promise<boolean> {
    const count = await this.#connection.read(this.#buffer).catch(() => null);
    if (count === null) this.ended = true;
    else this.received += byteText(this.#buffer, 0, count);
    return count !== null;
  }

  /** Reads up to a text; takes and returns everything up to its end. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at >= 0) return this.take(at + text.length);
      if (!await this.receive()) {
        throw new Error(`the connection ended before ${JSON.stringify(text)}: ${this.received}`);
      }
    }
  }

  /** Reads and takes `count` bytes. */
  async exactly(count: number): Promise<string> {
    while (this.received.length < count) {
      if (!await this.receive()) throw new Error(`ended early: ${this.received}`);
    }
    return this.take(count);
  }

  /** Reads the next head and the body of its Content-Length. */
  async message(): Promise<string> {
    const head = await this.until("\r\n\r\n");
    return head + await this.exactly(Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0));
  }

  /** Reads and drops up to `count` bytes; returns their number. */
  async count(bytes: number): Promise<number> {
    let seen = this.received.length;
    this.received = "";
    while (seen < bytes) {
      const count = await this.#connection.read(this.#buffer);
      if (count === null) break;
      seen += count;
    }
    return seen;
  }

  /** Reads to the end of the connection and returns all of it. */
  async toEnd(): Promise<string> {
    while (await this.receive());
    return this.take(this.received.length);
  }

  take(count: number): string {
    const taken = this.received.slice(0, count);
    this.received = this.received.slice(count);
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

/** A server whose responses the test writes byte for byte. */
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

  /** Accepts the next connection. */
  async accept(): Promise<Peer> {
    const peer = new Peer(await this.#listener.accept());
    this.#peers.push(peer);
    return peer;
  }

  /** Responds to every request on every connection until it is closed. `answer` gets the head. */
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
