import { Readable } from "node:stream";
import { Agent } from "undici";
import { CapsuleError } from "../../base/errors.ts";
import type { StreamedRequest, StreamedResponse } from "../../base/streamed_http.ts";
import { type Connector, createConnector } from "./connector.ts";
import type { NetRules } from "./net_rules.ts";
import { withGuestMark } from "./request_headers.ts";

/** A client that sends requests and streams bodies in both directions. */
export interface StreamClient {
  /** Follows no redirects and decodes nothing. @throws as undici does, CapsuleError `DENIED`. */
  send(request: StreamedRequest): Promise<StreamedResponse>;
  close(): Promise<void>;
}

const connectTimeoutMs = 10_000;
/** Guests choose connect timeouts; each has its own connections. */
const maxAgents = 8;

/** Creates a client that connects only to what the rules allow; without rules, to all. */
export function createStreamClient(
  { rules, timeoutMs, ca }: { rules?: NetRules; timeoutMs: number; ca?: string },
): StreamClient {
  /** Agents with their connectors, by the connect timeout of their requests. */
  const agents = new Map<number, { readonly agent: Agent; readonly connector: Connector }>();
  const agentFor = (timeoutMs: number) => {
    const found = agents.get(timeoutMs);
    if (found) return found.agent;
    const connector = createConnector({ rules, timeoutMs, ca });
    const agent = new Agent({ connect: connector.connect });
    agents.set(timeoutMs, { agent, connector });
    if (agents.size > maxAgents) closeOldest();
    return agent;
  };
  const closeOldest = () => {
    const [[timeoutMs, oldest] = []] = agents;
    if (timeoutMs === undefined) return;
    agents.delete(timeoutMs);
    // Pending requests end first.
    void oldest?.agent.close();
  };
  return {
    async send(request) {
      const { url, method, headers, body, signal } = request;
      const { origin, hostname, pathname, search } = new URL(url);
      const agent = agentFor(request.connectTimeoutMs ?? connectTimeoutMs);
      const response = await agent.request({
        origin,
        path: pathname + search,
        method: method as "GET",
        headers: withGuestMark(headers, hostname).flat(),
        body: body && Readable.from(body, { objectMode: false }),
        signal,
        headersTimeout: request.firstByteTimeoutMs ?? timeoutMs,
        bodyTimeout: request.betweenBytesTimeoutMs ?? timeoutMs,
      });
      return {
        status: response.statusCode,
        headers: Object.entries(response.headers).flatMap(([name, value]) =>
          [value ?? []].flat().map((one) => [name, byteString(one)] as const)
        ),
        body: response.body,
      };
    },
    async close() {
      const closed = new CapsuleError("HTTP", "the client is closed");
      for (const { agent, connector } of agents.values()) {
        connector.close();
        await agent.destroy(closed);
      }
    },
  };
}

/** undici decodes header values as UTF-8; a byte string has one character for each byte. */
function byteString(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}
