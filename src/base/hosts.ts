/** Strips the brackets of an IPv6 address in a URL: `[::1]` → `::1`. */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Writes a host as a URL has it: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  const name = bareHost(host);
  return name.includes(":") ? `[${name}]` : name;
}

/** Reports whether a host, without its port, is a loopback address or `localhost`. */
export function isLoopback(host: string): boolean {
  const name = bareHost(host.toLowerCase()).replace(/^::ffff:/, "");
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * Returns the address to listen on. `localhost` is 127.0.0.1, without a name server or a file of
 * hosts, which may be missing or list several addresses.
 */
export function bindHost(host: string): string {
  return host.toLowerCase() === "localhost" ? "127.0.0.1" : bareHost(host);
}
