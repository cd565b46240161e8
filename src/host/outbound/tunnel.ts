import { type buildConnector, Client } from "undici";
import { CapsuleError } from "../../base/errors.ts";
import { proxyAuthorization } from "../../base/proxies.ts";

/** The connectors that a tunnel uses. */
export interface TunnelConnectors {
  /** Connects to the proxy. */
  readonly connectToProxy: buildConnector.connector;
  /** Starts TLS on the socket in `httpSocket`. */
  readonly startTls: buildConnector.connector;
}

/**
 * Creates a connector that reaches an origin through a tunnel (`CONNECT`, RFC 9110 § 9.3.6).
 *
 * @throws CapsuleError `HTTP`, by its callback, with the status of a proxy that refuses.
 */
export function createTunnelConnector(
  proxy: URL,
  { connectToProxy, startTls }: TunnelConnectors,
): buildConnector.connector {
  return (options, callback) => {
    const authority = `${options.hostname}:${options.port || 443}`;
    const authorization = proxyAuthorization(proxy);
    const client = new Client(proxy.origin, {
      connect: connectToProxy,
      // The call has one deadline for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const headers = {
      host: authority,
      ...(authorization && { "proxy-authorization": authorization }),
    };
    client.connect({ path: authority, headers }).then(({ statusCode, socket }) => {
      if (statusCode === 200) {
        // undici types the socket as a stream; it is the connection's socket.
        return startTls({ ...options, httpSocket: socket as unknown as TunnelSocket }, callback);
      }
      socket.destroy();
      callback(
        new CapsuleError("HTTP", `the proxy ${proxy.host} refuses the tunnel with ${statusCode}`),
        null,
      );
    }, (error: Error) => callback(error, null));
  };
}

type TunnelSocket = buildConnector.Options["httpSocket"];
