import { lookup } from "node:dns/promises";
import { isIP, type Socket } from "node:net";
import { buildConnector } from "undici";
import { bareHost } from "../../base/hosts.ts";
import { CapsuleError } from "../../base/errors.ts";
import { isLocalhost, nameSuffices, type NetRules } from "./net_rules.ts";

/** How connections are made. */
export interface ConnectorOptions {
  /** Absent: everything is allowed. */
  rules?: NetRules;
  /** For each address that is tried. */
  timeoutMs: number;
  /** Certificates to trust beside the usual ones, PEM. */
  ca?: string;
  /** The addresses of a name; another one in tests. */
  resolve?: (name: string) => Promise<string[]>;
}

/** A connector for undici's agent, and a way to end what is still connecting. */
export interface Connector {
  connect: buildConnector.connector;
  close(): void;
}

/**
 * Connects to an address that was looked up here and checked here, so that no second look-up can lead elsewhere (DNS rebinding).
 * Addresses are tried one after the other.
 */
export function createConnector(
  { rules, timeoutMs, ca, resolve = lookUp }: ConnectorOptions,
): Connector {
  // Its own clock is a global one that goes on ticking when nothing waits any more.
  const open = buildConnector({ timeout: 0, ...(ca === undefined ? {} : { ca }) });
  const connecting = new Set<Socket>();
  let closed = false;
  const pending = new Map<string, Promise<string[]>>();

  /** A thousand calls at once to one name look it up once. */
  const addressesOf = (name: string): Promise<string[]> => {
    if (isIP(name)) return Promise.resolve([name]);
    if (isLocalhost(name)) return Promise.resolve(["127.0.0.1", "::1"]);
    const running = pending.get(name) ?? resolve(name).finally(() => pending.delete(name));
    pending.set(name, running);
    return running;
  };

  const connectTo = (address: string, options: buildConnector.Options): Promise<Socket> =>
    new Promise((done, failed) => {
      // `servername` stays the URL's name: the certificate is its, not the address's.
      const socket = open({ ...options, hostname: address }, (error, connected) => {
        connecting.delete(socket);
        clearTimeout(timer);
        if (error) failed(error);
        else done(connected);
      }) as unknown as Socket; // declared to return nothing, it returns the socket
      const timer = setTimeout(() => socket.destroy(connectTimeout(timeoutMs)), timeoutMs);
      connecting.add(socket);
    });

  const reach = async (options: buildConnector.Options): Promise<Socket> => {
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

  return {
    connect: (options, callback) => {
      reach(options).then((socket) => callback(null, socket), (error) => callback(error, null));
    },
    close() {
      closed = true;
      for (const socket of connecting) socket.destroy(new Error("the client is closed"));
    },
  };
}

function connectTimeout(timeoutMs: number): Error {
  return new CapsuleError("HTTP", `no connection within ${timeoutMs / 1000} s`);
}

/** The names' server is the system's. IPv4 comes first: it is the one that works everywhere. */
async function lookUp(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true });
  return found.sort((one, other) => one.family - other.family).map(({ address }) => address);
}

/** A refusal names the flag that would allow it: with the URL's name where a name is enough, else with the address. */
function refused(name: string, port: number, addresses: string[] = []): CapsuleError {
  const address = addresses.find((each) => each !== name && !nameSuffices(name, each));
  const host = address ?? name;
  return new CapsuleError(
    "DENIED",
    `connecting to ${
      address === undefined ? name : `${name}, which is ${address},`
    } at port ${port} is not allowed: ` +
      `-allowNet=${host.includes(":") ? `[${host}]` : host}:${port} would allow it`,
  );
}
