/** A host as it stands in a URL: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  const name = bare(host);
  return name.includes(":") ? `[${name}]` : name;
}

/** What to listen on: `localhost` is this machine also where no name server or file says so, and always the same one of its addresses. */
export function bindHost(host: string): string {
  return host.toLowerCase() === "localhost" ? "127.0.0.1" : bare(host);
}

/** `[::1]` → `::1`. */
function bare(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
