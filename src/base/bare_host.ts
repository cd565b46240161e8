/** A host without the brackets in which a URL has an IPv6 address: `[::1]` → `::1`. */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
