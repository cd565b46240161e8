import type { ProxyOptions } from "../../src/proxy/proxy_server.ts";
import type { ProxyTimeouts } from "../../src/proxy/timeouts.ts";
import { Peer, RawServer } from "./peers.ts";
import { startProxy, type TestProxy } from "./start_proxy.ts";

export interface Scene {
  readonly client: Peer;
  readonly upstream: RawServer;
  readonly proxy: TestProxy;
}

/** Starts an upstream and a proxy, and connects a client. */
export async function between(
  scene: (scene: Scene) => Promise<void>,
  options: Partial<Omit<ProxyOptions, "timeouts">> & { timeouts?: Partial<ProxyTimeouts> } = {},
): Promise<void> {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } }, options);
  using client = await Peer.connect(proxy.port);
  await scene({ client, upstream, proxy });
}

/** Returns the head of a POST with these header lines, each with CR LF. */
export const post = (headers: string) => `POST /functions/f HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
