import ipaddr from "ipaddr.js";
import { CapsuleError } from "../base/errors.ts";

/** The rules of `-allowListen`. */
export interface ListenRules {
  /** Reports whether a rule names this address and port; port 0 asks for any free port. */
  allows(local: { readonly hostname: string; readonly port: number }): boolean;
}

/** An address, and a port; undefined for all ports. */
interface ListenRule {
  readonly address: string;
  readonly port: number | undefined;
}

/**
 * Parses the list of `-allowListen`: `127.0.0.1:8080`, `[::1]:8080`, `127.0.0.1:0` for any free
 * port, and `127.0.0.1:*` for all ports. `localhost` stands for both loopback addresses, 127.0.0.1
 * and ::1.
 *
 * @throws CapsuleError `NET_RULE`
 */
export function parseListenRules(items: readonly string[]): ListenRules {
  const rules = items.flatMap(parseRule);
  return {
    allows: ({ hostname, port }) => {
      const address = ipaddr.parse(hostname).toString();
      return rules.some((rule) =>
        rule.address === address && (rule.port === undefined || rule.port === port)
      );
    },
  };
}

function parseRule(item: string): ListenRule[] {
  const invalid = (why: string) => new CapsuleError("NET_RULE", `-allowListen="${item}": ${why}`);
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d+|\*)$/.exec(item) ?? [];
  if (portText === undefined) {
    throw invalid("a rule is address:port or [IPv6 address]:port, such as 127.0.0.1:8080");
  }
  const port = portText === "*" ? undefined : Number(portText);
  if (port !== undefined && port > 65_535) {
    throw invalid(`a port is a number from 0 to 65535, got ${port}`);
  }
  if (plain?.toLowerCase() === "localhost") {
    return ["127.0.0.1", "::1"].map((address) => ({ address, port }));
  }
  const address = bracketed ?? plain ?? "";
  const isAddress = bracketed === undefined
    ? ipaddr.IPv4.isValidFourPartDecimal(address)
    : ipaddr.IPv6.isValid(address);
  if (!isAddress) throw invalid(`${JSON.stringify(address)} is not an IP address`);
  return [{ address: ipaddr.parse(address).toString(), port }];
}
