import { type buildConnector, Client } from "undici";

/** Connections to servers, each with one request at a time. */
export interface ConnectionPool {
  /**
   * Returns an idle connection to the origin, or one that connects at its first request.
   *
   * @param proxy reached instead of an `http:` origin, or opens a tunnel to an `https:` one.
   */
  take(origin: string, proxy?: URL): PooledConnection;
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

/** The connectors of a pool. */
export interface PoolConnectors {
  /** Connects to an origin. */
  readonly connect: buildConnector.connector;
  /** Connects to a proxy. */
  readonly connectToProxy: buildConnector.connector;
  /** Returns a connector to an `https:` origin by a tunnel through a proxy. */
  readonly tunnelThrough: (proxy: URL) => buildConnector.connector;
}

/**
 * Creates a pool. Idle connections stay until undici closes them: after 4 s, or earlier if the
 * server's `Keep-Alive` header asks for it.
 *
 * undici's own `Agent` is not used: it opens two connections for consecutive requests, and does
 * not distinguish a connection that was closed while idle, whose request may be sent again.
 */
export function createConnectionPool(
  { connect, connectToProxy, tunnelThrough }: PoolConnectors,
): ConnectionPool {
  const idle = new Map<string, Set<Client>>();
  const all = new Set<Client>();
  // undici's timeouts are off: the call has one deadline for everything.
  const options = { maxHeaderSize: 256 * 1024, headersTimeout: 0, bodyTimeout: 0 };

  const destroy = (client: Client): Promise<void> => {
    all.delete(client);
    return client.destroy();
  };
  const create = (key: string, origin: string, proxy?: URL): Client => {
    const client = !proxy
      ? new Client(origin, { ...options, connect })
      : origin.startsWith("https:")
      ? new Client(origin, { ...options, connect: tunnelThrough(proxy) })
      : new Client(proxy.origin, { ...options, connect: connectToProxy });
    all.add(client);
    client.on("disconnect", () => {
      const clients = idle.get(key);
      if (!clients?.delete(client)) return;
      if (clients.size === 0) idle.delete(key);
      void destroy(client);
    });
    return client;
  };

  return {
    take(origin, proxy) {
      const key = proxy ? `${origin} by ${proxy.href}` : origin;
      const clients = idle.get(key);
      const [client = create(key, origin, proxy)] = clients ?? [];
      clients?.delete(client);
      return {
        client,
        release() {
          if (client.destroyed || client.closed) return;
          const clients = idle.get(key) ?? new Set();
          idle.set(key, clients.add(client));
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
