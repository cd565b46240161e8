import ipaddr from "ipaddr.js";
import { bareHost } from "../../base/hosts.ts";
import { CapsuleError } from "../../base/errors.ts";

/** Where a connection would go: the name in the URL (or the address, when the URL has one), and the address behind it. */
export interface Destination {
  /** As `URL.hostname` has it, without brackets. */
  name: string;
  address: string;
  port: number;
}

/** What `-allowNet` allows. */
export interface NetRules {
  /** Decided by the address that is connected to; the name alone never suffices. */
  allows(destination: Destination): boolean;
  /** Whether any address could make this name allowed: if not, it need not be looked up. */
  mayAllow(name: string, port: number): boolean;
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];
/** One item of the list: a name or a range, at one port or at all. */
type Rule = { port?: number } & ({ name: string } | { range: Range });

/**
 * Reads the list of `-allowNet`: `example.org`, `example.org:443`, `10.1.2.3:80`, `10.0.0.0/8`, `[fd00::/8]:80`, `::1`.
 *
 * A name stands for whatever it leads to at the time, except this machine itself and its link (loopback, unspecified, link-local, multicast):
 * whoever runs a name's DNS could otherwise lead a guest to the services on this machine, or to the cloud's metadata. `localhost` stands for
 * this machine's loopback, in whichever way a URL writes it.
 *
 * @throws CapsuleError `NET_RULE` for what is none of these.
 */
export function parseNetRules(items: readonly string[]): NetRules {
  const rules = items.map(parseRule);
  const atPort = (port: number) =>
    rules.filter((rule) => rule.port === undefined || rule.port === port);
  return {
    allows: ({ name, address, port }) => {
      const parsed = canonical(address);
      return atPort(port).some((rule) => {
        if ("range" in rule) return inRange(parsed, rule.range);
        if (rule.name === "localhost") return parsed.range() === "loopback";
        return rule.name === bareName(name) && nameSuffices(name, address);
      });
    },
    mayAllow: (name, port) =>
      atPort(port).some((rule) =>
        "range" in rule || rule.name === "localhost" || rule.name === bareName(name)
      ),
  };
}

/** Whether it is this machine's own name for itself. @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export function isLocalhost(name: string): boolean {
  const bare = bareName(name);
  return bare === "localhost" || bare.endsWith(".localhost");
}

/** Whether a rule with the name is enough to reach the address, which is not so for addresses of this machine and its link. */
export function nameSuffices(name: string, address: string): boolean {
  const range = canonical(address).range();
  if (isLocalhost(name)) return range === "loopback";
  return !["loopback", "unspecified", "linkLocal", "multicast", "broadcast"].includes(range);
}

/** `[fe80::1]` → `fe80::1`, `Example.org.` → `example.org`. */
function bareName(name: string): string {
  return bareHost(name.toLowerCase()).replace(/\.$/, "");
}

/** IPv4 addresses wrapped in IPv6 are IPv4 addresses, and a connection to "unspecified" goes to this machine. */
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
  const refuse = (why: string) => new CapsuleError("NET_RULE", `-allowNet="${item}": ${why}`);
  const forms =
    "a rule is a name, name:port, address, [IPv6 address]:port, or a range such as 10.0.0.0/8";
  // Two colons or more without brackets are an IPv6 address, which then has no port.
  const match = /^\[([^\]]*:[^\]]*)\](?::(\d+))?$/.exec(item) ??
    /^([^:[\]]+)(?::(\d+))?$/.exec(item) ??
    /^([0-9a-f:.]+(?:\/\d+)?)$/i.exec(item);
  const [, host = "", portText] = match ?? [];
  if (host === "") throw refuse(forms);
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65535)) {
    throw refuse(`a port is a number from 1 to 65535, got ${port}`);
  }

  if (host.includes("/")) {
    if (!ipaddr.isValidCIDR(host)) throw refuse(forms);
    return { port, range: ipaddr.parseCIDR(host) };
  }
  if (host.includes(":")) {
    if (!ipaddr.IPv6.isValid(host)) throw refuse(forms);
    return { port, range: wholeAddress(host) };
  }
  let name: string;
  try {
    // As a guest's URL will have it: `ÉTÉ.fr` and `127.1` as `xn--t-9fab.fr` and `127.0.0.1`.
    name = bareName(new URL(`http://${host}`).hostname);
  } catch {
    throw refuse(forms);
  }
  if (!/^[a-z0-9._-]+$/.test(name) || /[\s@?#]/.test(host)) throw refuse(forms);
  return ipaddr.IPv4.isValid(name)
    ? { port, range: wholeAddress(name) }
    : { port, name: isLocalhost(name) ? "localhost" : name };
}

function wholeAddress(address: string): Range {
  const parsed = canonical(address);
  return [parsed, parsed.kind() === "ipv4" ? 32 : 128];
}
