/**
 * A TCP proxy that closes the client's connection once the server has responded to the bytes that
 * `cutAfter` recognises: the command was carried out, and the client does not know.
 */
export class CuttingProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: { hostname: string; port: number };
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;
  /** Cuts while this returns true for what the client sent. */
  cutAfter: (sent: string) => boolean = () => false;
  /** Number of closed connections. */
  cuts = 0;

  constructor(port: number) {
    this.#target = { hostname: "127.0.0.1", port };
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#done = this.#accept();
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const client of this.#listener) served.push(this.#serve(client));
    await Promise.all(served);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const server = await Deno.connect(this.#target);
    this.#open.add(client).add(server);
    let cut = false;
    const up = pump(client, async (bytes) => {
      cut ||= this.cutAfter(new TextDecoder("latin1").decode(bytes));
      await writeAll(server, bytes);
    });
    const down = pump(server, async (bytes) => {
      if (cut) {
        this.cuts++;
        return this.#close(client, server);
      }
      await writeAll(client, bytes);
    });
    await Promise.race([up, down]);
    this.#close(client, server);
    await Promise.all([up, down]);
  }

  #close(...connections: Deno.TcpConn[]): void {
    for (const connection of connections) if (this.#open.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#close(...this.#open);
    await this.#done;
  }
}

async function pump(from: Deno.TcpConn, use: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const buffer = new Uint8Array(65536);
  try {
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      await use(buffer.slice(0, read));
    }
  } catch {
    // The other side closed meanwhile.
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}
