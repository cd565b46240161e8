import { bareHost } from "./bare_host.ts";

/** Whether a host, without its port, is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  const name = bareHost(host.toLowerCase()).replace(/^::ffff:/, "");
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}
