import ipaddr from "ipaddr.js";
import { CapsuleError } from "../base/errors.ts";
import { parseListenRules } from "../host/listen_rules.ts";
import {
  isLocalhost,
  loopbackAddresses,
  type NetRules,
  parseNetRules,
} from "../host/outbound/net_rules.ts";
import { type ResolveName, resolveName } from "../host/outbound/resolve_name.ts";
import type { SocketGrant } from "../wasi/p2/sockets/socket_grant.ts";
import type { Grants } from "./runner_options.ts";

/** Most look-ups at a time, of all instances: the system cannot cancel one. */
const maxLookups = 32;
/** Most addresses of looked-up names that one call remembers. */
const maxRemembered = 1024;

/**
 * Returns a function that makes the socket grant of a guest: `-allowNet` names the hosts that its
 * sockets reach, `-allowListen` the addresses that they listen on. Without a flag nothing is
 * granted.
 *
 * @param resolve replaces the system's resolver in tests.
 * @throws CapsuleError `NET_RULE`
 */
export function socketGrants(
  { allowNet, allowListen, sandbox }: Pick<Grants, "allowNet" | "allowListen" | "sandbox">,
  resolve: ResolveName = resolveName,
): () => SocketGrant {
  const rules = parseNetRules(allowNet ?? []);
  const listen = parseListenRules(allowListen ?? []);
  const isEmpty = sandbox || (!allowNet?.length && !allowListen?.length);
  let lookups = 0;
  const limited: ResolveName = async (name) => {
    if (lookups >= maxLookups) {
      throw new CapsuleError("EAI_AGAIN", `more than ${maxLookups} look-ups at a time`);
    }
    lookups++;
    try {
      return await resolve(name);
    } finally {
      lookups--;
    }
  };
  if (isEmpty) return () => nothing;
  return () => grantOf(rules, { mayListen: (local) => listen.allows(local), resolve: limited });
}

const nothing: SocketGrant = {
  isEmpty: true,
  mayReach: () => false,
  mayListen: () => false,
  mayResolve: () => false,
  resolve: () => Promise.reject(new CapsuleError("DENIED", "no name is granted")),
  forget: () => {},
};

function grantOf(
  rules: NetRules,
  { mayListen, resolve }: Pick<SocketGrant, "mayListen"> & { readonly resolve: ResolveName },
): SocketGrant {
  /** The looked-up names of this call, by their addresses. */
  let names = new Map<string, Set<string>>();
  return {
    isEmpty: false,
    mayReach: ({ hostname: address, port }) =>
      rules.allows({ name: address, address, port }) ||
      [...names.get(address) ?? []].some((name) => rules.allows({ name, address, port })),
    mayListen,
    mayResolve: (name) => rules.mayLookUp(name),
    resolve: async (name) => {
      const ofThisCall = names;
      const found = isLocalhost(name) ? loopbackAddresses : await resolve(name);
      const allowed = found.flatMap(normal).filter((address) => rules.allows({ name, address }));
      if (allowed.length === 0 && found.length > 0) {
        throw new CapsuleError("DENIED", `no rule allows an address of ${name}`);
      }
      for (const address of allowed) {
        if (ofThisCall.size >= maxRemembered) break;
        ofThisCall.set(address, (ofThisCall.get(address) ?? new Set()).add(name));
      }
      return allowed;
    },
    forget: () => void (names = new Map()),
  };
}

/** Returns an address as sockets write it; none for one with a zone, which they do not reach. */
function normal(address: string): string[] {
  return address.includes("%") ? [] : [ipaddr.parse(address).toString()];
}
