import { type buildConnector, Client } from "undici";

/** Connections to servers, one request at a time on each. */
export interface ConnectionPool {
  /** A connection to the origin: an idle one, or one that is made at its first request. */
  take(origin: string): PooledConnection;
  /** Closes all of them. */
  close(): Promise<void>;
}

/** One connection, for one request; it is given back or ended. */
export interface PooledConnection {
  readonly client: Client;
  giveBack(): void;
  /** Closes it, whatever goes on. */
  end(): void;
}

/**
 * Keeps idle connections until undici closes them (4 s, or as the server says).
 *
 * It stands in place of undici's own pool, which asks every client in turn whether it is free, opens two connections for calls that follow each
 * other, and connects anew after an aborted request.
 */
export function createConnectionPool(connect: buildConnector.connector): ConnectionPool {
  const idle = new Map<string, Set<Client>>();
  const all = new Set<Client>();
  // The call's own clock is the only one.
  const options = { connect, maxHeaderSize: 256 * 1024, headersTimeout: 0, bodyTimeout: 0 };

  const end = (client: Client): Promise<void> => {
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
      void end(client);
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
        giveBack() {
          if (client.destroyed || client.closed) return;
          const clients = idle.get(origin) ?? new Set();
          idle.set(origin, clients.add(client));
        },
        end: () => void end(client),
      };
    },
    async close() {
      idle.clear();
      await Promise.all([...all].map(end));
    },
  };
}
