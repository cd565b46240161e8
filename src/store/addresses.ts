import { UsageError } from "../base/errors.ts";
import { bareHost } from "../base/hosts.ts";

/** A server's host and port. */
export interface Address {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Credentials; a password without a user is the default user's. */
export interface Login {
  readonly user?: string;
  readonly password?: string;
}

/** A parsed `REDIS_ADDR`. */
export interface ParsedAddresses {
  readonly addresses: readonly Address[];
  readonly tls: boolean;
  readonly login: Login;
  readonly database?: number;
}

const form =
  "REDIS_ADDR is host:port, redis://user:password@host:port/database or rediss://… for TLS, or several with commas";

/**
 * Parses `host:port`, `host`, `:port` (localhost), `redis://…`, `rediss://…`, or a list of them
 * with commas. A login, a database and a scheme apply to the whole list. Logins are
 * percent-encoded, as in every URL.
 *
 * @throws UsageError with a message that never contains a password.
 */
export function parseAddresses(text: string): ParsedAddresses {
  const servers = text.split(",").map((item) => parseOne(item.trim()));
  const [first] = servers;
  if (!first) throw new UsageError(form);
  const schemes = new Set(servers.flatMap(({ scheme }) => scheme ?? []));
  if (schemes.size > 1) {
    throw new UsageError(
      "REDIS_ADDR mixes redis:// and rediss://: all servers of a list use TLS, or none",
    );
  }
  return {
    addresses: servers.map(({ address }) => address),
    tls: schemes.has("rediss"),
    login: servers.find(({ login }) => login.password !== undefined || login.user !== undefined)
      ?.login ?? {},
    database: servers.find(({ database }) => database !== undefined)?.database,
  };
}

interface Server {
  readonly scheme?: string;
  readonly address: Address;
  readonly login: Login;
  readonly database?: number;
}

function parseOne(text: string): Server {
  const match =
    /^(?:(?<scheme>redis|rediss):\/\/(?:(?<login>[^@/]*)@)?)?(?<host>\[[^\]\s]*\]|[^:/?#@\s]*)(?::(?<port>\d{1,5}))?(?:\/(?<database>\d{1,9})?)?$/
      .exec(text);
  const { scheme, login, host = "", port = "6379", database } = match?.groups ?? {};
  const badPort = Number(port) < 1 || Number(port) > 65535;
  if (!match || badPort || (!scheme && text.includes("/")) || text === "") {
    const shown = text.includes("@")
      ? "a value that is not shown, since it may contain a password"
      : `"${text}"`;
    throw new UsageError(`${form}: got ${shown}`);
  }
  return {
    scheme,
    address: { host: bareHost(host) || "localhost", port: Number(port) },
    login: parseLogin(login),
    database: database === undefined ? undefined : Number(database),
  };
}

function parseLogin(text = ""): Login {
  const [user = "", ...rest] = text.split(":");
  try {
    return {
      user: decodeURIComponent(user) || undefined,
      password: decodeURIComponent(rest.join(":")) || undefined,
    };
  } catch {
    throw new UsageError(
      "the login in REDIS_ADDR is not percent-encoded as in a URL: % is written %25",
    );
  }
}
