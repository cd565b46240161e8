import ipaddr from "ipaddr.js";
import { bareHost } from "../../base/hosts.ts";
import { CapsuleError } from "../../base/errors.ts";

/** The destination of a connection: the URL's host and the address that it resolved to. */
export interface Destination {
  /** The value of `URL.hostname`, without brackets. */
  name: string;
  address: string;
  /** Undefined for any port: a rule for one of them suffices. */
  port?: number;
}

/** The rules of `-allowNet`. */
export interface NetRules {
  /** Reports whether a rule allows the destination. The name alone never suffices. */
  allows(destination: Destination): boolean;
  /**
   * Reports whether a rule allows the name itself, for a connection that a proxy makes: nothing is
   * known about the address. A range allows only an address that the URL contains.
   */
  allowsName(name: string, port?: number): boolean;
  /** Reports whether any address could make this name allowed; if not, it is not resolved. */
  mayAllow(name: string, port: number): boolean;
  /**
   * Reports whether a guest may look up the name, which its DNS server then learns: if a rule has
   * the name, or a range of all addresses; `localhost` if a rule has a loopback address.
   */
  mayLookUp(name: string): boolean;
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];
/** A name or a range, at one port or at all of them. */
type Rule = { port?: number } & ({ name: string } | { range: Range });

/** The addresses of `localhost`, without a name server or a file of hosts. */
export const loopbackAddresses: readonly string[] = ["127.0.0.1", "::1"];

/**
 * Parses the list of `-allowNet`: `example.org`, `example.org:443`, `10.1.2.3:80`, `10.0.0.0/8`,
 * `[fd00::/8]:80`, `::1`.
 *
 * A name allows every address that it resolves to, except loopback, unspecified, link-local and
 * multicast ones: the owner of a name's DNS could otherwise point a guest at services of this
 * machine or at the cloud's metadata. `localhost` allows loopback, however a URL spells it.
 *
 * @throws CapsuleError `NET_RULE`
 */
export function parseNetRules(items: readonly string[]): NetRules {
  const rules = items.map(parseRule);
  const atPort = (port: number | undefined) =>
    rules.filter((rule) => port === undefined || rule.port === undefined || rule.port === port);
  const allows = ({ name, address, port }: Destination) => {
    const parsed = canonical(address);
    return atPort(port).some((rule) => {
      if ("range" in rule) return inRange(parsed, rule.range);
      if (rule.name === "localhost") return parsed.range() === "loopback";
      return rule.name === bareName(name) && nameSuffices(name, address);
    });
  };
  return {
    allows,
    allowsName: (name, port) => {
      const address = ipaddr.isValid(bareHost(name)) ? canonical(bareHost(name)) : undefined;
      return atPort(port).some((rule) =>
        "range" in rule
          ? address !== undefined && inRange(address, rule.range)
          : rule.name === bareName(name)
      );
    },
    mayAllow: (name, port) =>
      atPort(port).some((rule) =>
        "range" in rule || rule.name === "localhost" || rule.name === bareName(name)
      ),
    mayLookUp: (name) =>
      isLocalhost(name)
        ? loopbackAddresses.some((address) => allows({ name, address }))
        : rules.some((rule) =>
          "range" in rule ? rule.range[1] === 0 : rule.name === bareName(name)
        ),
  };
}

/**
 * Reports whether the name is `localhost` or below it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3
 */
export function isLocalhost(name: string): boolean {
  const bare = bareName(name);
  return bare === "localhost" || bare.endsWith(".localhost");
}

/** Reports whether a rule with this name suffices for the address: not on this machine or link. */
export function nameSuffices(name: string, address: string): boolean {
  const range = canonical(address).range();
  if (isLocalhost(name)) return range === "loopback";
  return !["loopback", "unspecified", "linkLocal", "multicast", "broadcast"].includes(range);
}

/** Normalizes a name: `[fe80::1]` → `fe80::1`, `Example.org.` → `example.org`. */
function bareName(name: string): string {
  return bareHost(name.toLowerCase()).replace(/\.$/, "");
}

/**
 * Parses an address. IPv4-mapped IPv6 becomes IPv4, and the unspecified address becomes loopback,
 * which is where a connection to it leads.
 */
function canonical(address: string): ipaddr.IPv4 | ipaddr.IPv6 {
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unspecified" || parsed.toByteArray().some((byte) => byte !== 0)) {
    return parsed;
  }
  return ipaddr.parse(parsed.kind() === "ipv4" ? "127.0.0.1" : "::1");
}

function inRange(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Range): boolean {
  if (address instanceof ipaddr.IPv4) {
    return network instanceof ipaddr.IPv4 && address.match(network, bits);
  }
  return network instanceof ipaddr.IPv6 && address.match(network, bits);
}

function parseRule(item: string): Rule {
  const invalid = (why: string) => new CapsuleError("NET_RULE", `-allowNet="${item}": ${why}`);
  const forms =
    "a rule is a name, name:port, address, [IPv6 address]:port, or a range such as 10.0.0.0/8";
  // More than one colon without brackets is an IPv6 address without a port.
  const match = /^\[([^\]]*:[^\]]*)\](?::(\d+))?$/.exec(item) ??
    /^([^:[\]]+)(?::(\d+))?$/.exec(item) ??
    /^([0-9a-f:.]+(?:\/\d+)?)$/i.exec(item);
  const [, host = "", portText] = match ?? [];
  if (host === "") throw invalid(forms);
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65535)) {
    throw invalid(`a port is a number from 1 to 65535, got ${port}`);
  }

  if (host.includes("/")) {
    if (!ipaddr.isValidCIDR(host)) throw invalid(forms);
    return { port, range: ipaddr.parseCIDR(host) };
  }
  if (host.includes(":")) {
    if (!ipaddr.IPv6.isValid(host)) throw invalid(forms);
    return { port, range: singleAddress(host) };
  }
  let name: string;
  try {
    // As `URL` normalizes it: `ÉTÉ.fr` and `127.1` become `xn--t-9fab.fr` and `127.0.0.1`.
    name = bareName(new URL(`http://${host}`).hostname);
  } catch {
    throw invalid(forms);
  }
  if (!/^[a-z0-9._-]+$/.test(name) || /[\s@?#]/.test(host)) throw invalid(forms);
  return ipaddr.IPv4.isValid(name)
    ? { port, range: singleAddress(name) }
    : { port, name: isLocalhost(name) ? "localhost" : name };
}

function singleAddress(address: string): Range {
  const parsed = canonical(address);
  return [parsed, parsed.kind() === "ipv4" ? 32 : 128];
}
