import type { Value } from "../../../component/abi/codec.ts";
import { err, ok, type P2Interface } from "../state.ts";
import type { Pollable } from "../stream_types.ts";
import { type IpAddress, isMapped, parseIpAddress } from "./socket_address.ts";
import { errorCodeOf, type SocketErrorCode } from "./socket_error.ts";
import type { SocketContext } from "./socket_context.ts";
import { Waiters } from "./waiters.ts";

type Lookup =
  | { readonly kind: "pending" }
  | { readonly kind: "found"; readonly addresses: readonly IpAddress[]; readonly next: number }
  | { readonly kind: "failed"; readonly error: SocketErrorCode };

/** The resource `resolve-address-stream`. */
class ResolveAddressStream implements Pollable {
  readonly #waiters = new Waiters();
  #lookup: Lookup;

  constructor(addresses: Promise<readonly IpAddress[]> | readonly IpAddress[]) {
    if (!(addresses instanceof Promise)) {
      this.#lookup = { kind: "found", addresses, next: 0 };
      return;
    }
    this.#lookup = { kind: "pending" };
    addresses.then(
      (addresses) => this.#settle({ kind: "found", addresses, next: 0 }),
      (error) => this.#settle({ kind: "failed", error: errorCodeOf(error) }),
    );
  }

  next(): Value {
    const lookup = this.#lookup;
    if (lookup.kind === "pending") return err("would-block");
    if (lookup.kind === "failed") return err(lookup.error);
    const address = lookup.addresses[lookup.next];
    this.#lookup = { ...lookup, next: lookup.next + 1 };
    return ok(address as Value);
  }

  isReady(): boolean {
    return this.#lookup.kind !== "pending";
  }

  whenReady(listener: () => void): () => void {
    return this.#waiters.wait(this, listener);
  }

  #settle(lookup: Lookup): void {
    this.#lookup = lookup;
    this.#waiters.notify();
  }
}

/** Looks up a name, or parses an address. Returns an error-code if that is not possible. */
export function resolveAddresses(
  { grant, pending, beforeSideEffect }: SocketContext,
  text: string,
): SocketErrorCode | readonly IpAddress[] | Promise<readonly IpAddress[]> {
  if (grant.isEmpty) return "access-denied";
  const name = parseName(text);
  if (name === undefined) return "invalid-argument";
  const address = parseIpAddress(name);
  if (address) return [address];
  if (!grant.mayResolve(name)) return "access-denied";
  beforeSideEffect();
  pending.add(grant.forget);
  return grant.resolve(name).then((found) =>
    found.flatMap((hostname) =>
      isMapped({ hostname, port: 0 }) ? [] : parseIpAddress(hostname) ?? []
    )
  );
}

/** `wasi:sockets/ip-name-lookup` */
export function ipNameLookupInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // resolve-addresses: func(network: borrow<network>, name: string)
      //   -> result<resolve-address-stream, error-code>
      "resolve-addresses": (_: object, text: string) => {
        const found = resolveAddresses(context, text);
        return typeof found === "string" ? err(found) : ok(new ResolveAddressStream(found));
      },
      // resolve-next-address: func() -> result<option<ip-address>, error-code>
      "[method]resolve-address-stream.resolve-next-address": (self: ResolveAddressStream) =>
        self.next(),
      // subscribe: func() -> pollable
      "[method]resolve-address-stream.subscribe": (self: ResolveAddressStream) => self,
    },
  };
}

/** Longest name of DNS, with the dot at its end. */
const maxNameLength = 254;
/** Labels of 1 to 63 characters. */
const namePattern = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/;

/** Returns an address without brackets, or a name in ASCII and lower case, else undefined. */
function parseName(text: string): string | undefined {
  const bare = /^\[(.*)\]$/s.exec(text)?.[1];
  if (bare !== undefined) return bare.includes(":") && parseIpAddress(bare) ? bare : undefined;
  if (parseIpAddress(text)) return text;
  // `URL` would remove or interpret these.
  if (text.length > maxNameLength || /[\s/\\?#@:%]/.test(text)) return undefined;
  let name: string;
  try {
    name = new URL(`http://${text}/`).hostname;
  } catch {
    return undefined;
  }
  return name.length <= maxNameLength && namePattern.test(name) ? name : undefined;
}
