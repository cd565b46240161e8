import { isIP, type Socket } from "node:net";
import { buildConnector } from "undici";
import { CapsuleError } from "../../base/errors.ts";
import { bareHost, urlHost } from "../../base/hosts.ts";
import { isLocalhost, loopbackAddresses, nameSuffices, type NetRules } from "./net_rules.ts";
import { type ResolveName, resolveName } from "./resolve_name.ts";

/** Options of `createConnector`. */
export interface ConnectorOptions {
  /** The destinations that are allowed; without rules, all are. */
  rules?: NetRules;
  /** The timeout of one connection attempt, in milliseconds. Each address has its own attempt. */
  timeoutMs: number;
  /** Certificates in PEM to trust in addition to the default ones. */
  ca?: string;
  /** Resolves a name to addresses; tests replace the system's resolver. */
  resolve?: ResolveName;
}

/** A connector for undici whose pending attempts can be aborted. */
export interface Connector {
  connect: buildConnector.connector;
  /** Connects to a proxy of the launcher, which needs no rule. */
  connectToProxy: buildConnector.connector;
  /** Starts TLS on the socket in `httpSocket`. */
  startTls: buildConnector.connector;
  /** Aborts the attempts that are pending. */
  close(): void;
}

/**
 * Creates a connector that resolves a name, checks its addresses and connects to one of those it
 * checked. A second look-up could lead elsewhere (DNS rebinding). Addresses are tried in order.
 */
export function createConnector(
  { rules, timeoutMs, ca, resolve = resolveName }: ConnectorOptions,
): Connector {
  // undici's own timeout is off: its shared timer keeps running when no attempt is pending.
  const open = buildConnector({ timeout: 0, ...(ca === undefined ? {} : { ca }) });
  const connecting = new Set<Socket>();
  let closed = false;
  const pending = new Map<string, Promise<string[]>>();

  /** Resolves a name; concurrent calls share one look-up. */
  const addressesOf = (name: string): Promise<string[]> => {
    if (isIP(name)) return Promise.resolve([name]);
    if (isLocalhost(name)) return Promise.resolve([...loopbackAddresses]);
    const running = pending.get(name) ?? resolve(name).finally(() => pending.delete(name));
    pending.set(name, running);
    return running;
  };

  const connectTo = (address: string, options: buildConnector.Options): Promise<Socket> =>
    new Promise((resolve, reject) => {
      // `servername` remains the URL's name: the certificate is issued to it, not to the address.
      const socket = open({ ...options, hostname: address }, (error, connected) => {
        connecting.delete(socket);
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(connected);
      }) as unknown as Socket; // declared as void, but undici returns the socket
      const timer = setTimeout(() => socket.destroy(connectTimeout(timeoutMs)), timeoutMs);
      connecting.add(socket);
    });

  const connectAllowed = async (
    options: buildConnector.Options,
    rules: NetRules | undefined,
  ): Promise<Socket> => {
    const name = bareHost(options.hostname);
    const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
    if (rules && !rules.mayAllow(name, port)) throw refused(name, port);
    const addresses = await addressesOf(name);
    const allowed = addresses.filter((address) => !rules || rules.allows({ name, address, port }));
    if (allowed.length === 0) throw refused(name, port, addresses);
    let first: unknown;
    for (const address of allowed) {
      try {
        return await connectTo(address, options);
      } catch (error) {
        first ??= error;
        if (closed) break;
      }
    }
    throw first;
  };

  const connector =
    (rules: NetRules | undefined): buildConnector.connector => (options, callback) => {
      connectAllowed(options, rules).then(
        (socket) => callback(null, socket),
        (error) => callback(error, null),
      );
    };
  return {
    connect: connector(rules),
    connectToProxy: connector(undefined),
    startTls: open,
    close() {
      closed = true;
      for (const socket of connecting) socket.destroy(new Error("the client is closed"));
    },
  };
}

function connectTimeout(timeoutMs: number): Error {
  return new CapsuleError("CONNECT_TIMEOUT", `no connection within ${timeoutMs / 1000} s`);
}

/**
 * Returns the error for a destination that no rule allows. It names the flag that would allow it:
 * with the URL's name if a rule with that name suffices, otherwise with the address.
 */
export function refused(name: string, port: number, addresses: string[] = []): CapsuleError {
  const address = addresses.find((each) => each !== name && !nameSuffices(name, each));
  const destination = address === undefined ? name : `${name}, which is ${address},`;
  return new CapsuleError(
    "DENIED",
    `connecting to ${destination} at port ${port} is not allowed: ` +
      `-allowNet=${urlHost(address ?? name)}:${port} would allow it`,
  );
}
