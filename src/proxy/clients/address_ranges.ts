import ipaddr from "ipaddr.js";
import { UsageError } from "../../base/errors.ts";

/** A CIDR range: an address of it, and the length of its prefix in bits. */
export type AddressRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Parses ranges such as `10.0.0.0/8` and `fd00::/8`, and single addresses.
 *
 * @throws UsageError if a text is neither.
 */
export function parseRanges(texts: readonly string[]): AddressRange[] {
  return texts.map((text) => {
    try {
      if (text.includes("/")) return ipaddr.parseCIDR(text);
      const address = ipaddr.process(text);
      return [address, address.kind() === "ipv4" ? 32 : 128];
    } catch (error) {
      throw new UsageError(
        `-trustedProxies must be addresses or ranges such as 10.0.0.0/8: got "${text}"`,
        {
          cause: error,
        },
      );
    }
  });
}

/** Reports whether an address lies in one of the ranges. */
export function isInside(address: string, ranges: readonly AddressRange[]): boolean {
  if (ranges.length === 0 || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some(([first, bits]) =>
    first.kind() === parsed.kind() && parsed.match(first, bits)
  );
}
