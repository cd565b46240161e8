import { bareHost } from "../base/bare_host.ts";

/** A host as it stands in a URL: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  const name = bareHost(host);
  return name.includes(":") ? `[${name}]` : name;
}

/** What to listen on: `localhost` is this machine also where no name server or file says so, and always the same one of its addresses. */
export function bindHost(host: string): string {
  return host.toLowerCase() === "localhost" ? "127.0.0.1" : bareHost(host);
}
