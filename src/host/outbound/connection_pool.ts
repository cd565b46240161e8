import { type buildConnector, Client } from "undici";

/** Connections to servers, each with one request at a time. */
export interface ConnectionPool {
  /** Returns an idle connection to the origin, or one that connects at its first request. */
  take(origin: string): PooledConnection;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** A connection for one request; afterwards it is released or destroyed. */
export interface PooledConnection {
  readonly client: Client;
  /** Returns the connection to the pool. */
  release(): void;
  /** Closes the connection immediately. */
  destroy(): void;
}

/**
 * Creates a pool. Idle connections stay until undici closes them: after 4 s, or earlier if the
 * server's `Keep-Alive` header asks for it.
 *
 * undici's own `Agent` is not used: it opens two connections for consecutive requests, and does
 * not distinguish a connection that was closed while idle, whose request may be sent again.
 */
export function createConnectionPool(connect: buildConnector.connector): ConnectionPool {
  const idle = new Map<string, Set<Client>>();
  const all = new Set<Client>();
  // undici's timeouts are off: the call has one deadline for everything.
  const options = { connect, maxHeaderSize: 256 * 1024, headersTimeout: 0, bodyTimeout: 0 };

  const destroy = (client: Client): Promise<void> => {
    all.delete(client);
    return client.destroy();
  };
  const create = (origin: string): Client => {
    const client = new Client(origin, options);
    all.add(client);
    client.on("disconnect", () => {
      const clients = idle.get(origin);
      if (!clients?.delete(client)) return;
      if (clients.size === 0) idle.delete(origin);
      void destroy(client);
    });
    return client;
  };

  return {
    take(origin) {
      const clients = idle.get(origin);
      const [client = create(origin)] = clients ?? [];
      clients?.delete(client);
      return {
        client,
        release() {
          if (client.destroyed || client.closed) return;
          const clients = idle.get(origin) ?? new Set();
          idle.set(origin, clients.add(client));
        },
        destroy: () => void destroy(client),
      };
    },
    async close() {
      idle.clear();
      await Promise.all([...all].map(destroy));
    },
  };
}
