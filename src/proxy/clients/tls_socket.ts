import { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Socket } from "../../http1/wire.ts";

/**
 * A client's TLS connection over a plain one, which `close` ends immediately. `Deno.TlsConn.close`
 * waits for the handshake and for all writes (Deno 2.9.6): a client that sends and reads nothing
 * would hold the connection.
 */
export class TlsSocket implements Socket {
  readonly #plain: Deno.TcpConn;
  readonly #tls: TLSSocket;
  /** Decrypted bytes that were not read yet. */
  #rest: Uint8Array = nothing;
  #ended = false;
  #failure: unknown;
  #wake = () => {};

  constructor(plain: Deno.TcpConn, context: SecureContext) {
    this.#plain = plain;
    this.#tls = new TLSSocket(duplex(plain), { isServer: true, secureContext: context });
    this.#tls.on("readable", () => this.#wake());
    this.#tls.on("end", () => this.#end());
    this.#tls.on("close", () => this.#end());
    this.#tls.on("error", (error) => this.#end(error));
  }

  /** Resolves after the handshake; rejects if it fails or exceeds `limitMs` (0: no limit). */
  handshake(limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error("no TLS handshake in time"));
      const timer = limitMs > 0 ? setTimeout(late, limitMs) : undefined;
      this.#tls.once("secure", resolve);
      this.#tls.once("close", () => reject(this.#failure ?? new Error("the client left")));
      this.#tls.once("error", reject);
      this.#tls.once("close", () => clearTimeout(timer));
      this.#tls.once("secure", () => clearTimeout(timer));
    });
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#rest.length === 0) this.#rest = this.#tls.read() ?? nothing;
      if (this.#rest.length > 0) {
        const count = Math.min(buffer.length, this.#rest.length);
        buffer.set(this.#rest.subarray(0, count));
        this.#rest = this.#rest.subarray(count);
        return count;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        return reject(this.#failure ?? new Deno.errors.BrokenPipe("the client left"));
      }
      this.#tls.once("close", reject);
      this.#tls.write(bytes, (error) => {
        this.#tls.off("close", reject);
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  /** Resolves immediately: a client that reads nothing would delay it without limit. */
  closeWrite(): Promise<void> {
    this.#tls.end();
    return Promise.resolve();
  }

  close(): void {
    this.#end(new Deno.errors.Interrupted("closed"));
    closeQuietly(this.#plain);
    this.#tls.destroy();
  }

  #end(failure?: unknown): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#wake();
  }
}

export { createSecureContext };

/** Wraps a Deno connection as a Node stream. */
function duplex(connection: Deno.TcpConn): Duplex {
  const buffer = new Uint8Array(64 * 1024);
  return new Duplex({
    read() {
      connection.read(buffer).then(
        (count) => this.push(count === null ? null : buffer.slice(0, count)),
        (error) => this.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      (async () => {
        for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
      })().then(() => done(), done);
    },
    final(done) {
      connection.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      closeQuietly(connection);
      done(error);
    },
  });
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

const nothing = new Uint8Array(0);
