import { bareHost } from "../base/hosts.ts";
import { UsageError } from "../base/errors.ts";

/** Where a server listens. */
export interface Address {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** As whom to speak to a server; a password alone is the default user's. */
export interface Login {
  readonly user?: string;
  readonly password?: string;
}

/** What the text of `REDIS_ADDR` says. */
export interface ParsedAddresses {
  readonly addresses: readonly Address[];
  readonly tls: boolean;
  readonly login: Login;
  readonly database?: number;
}

const form =
  "REDIS_ADDR is host:port, redis://user:password@host:port/database or rediss://… for TLS, or several with commas";

/**
 * Reads `host:port`, `host`, `:port` (this machine), `redis://…`, `rediss://…`, or a list of them with commas. A login or a
 * database counts for the whole list. A password is percent-encoded, as in every URL.
 *
 * @throws UsageError with a message that never shows a password.
 */
export function parseAddresses(text: string): ParsedAddresses {
  const servers = text.split(",").map((item) => parseOne(item.trim()));
  const [first] = servers;
  if (!first) throw new UsageError(form);
  // An address without a scheme is as those before it: rediss://a:1,b:2
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
      ? "one that is not shown here, as it may hold a password"
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
