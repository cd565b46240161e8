import { Readable } from "node:stream";
import { Agent } from "undici";
import { CapsuleError } from "../../base/errors.ts";
import type { Timer } from "../../base/timers.ts";
import type { StreamedRequest, StreamedResponse } from "../../base/streamed_http.ts";
import { type Connector, createConnector } from "./connector.ts";
import type { NetRules } from "./net_rules.ts";
import { withGuestMark } from "./request_headers.ts";
import { parseTarget } from "./request_target.ts";

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
      const { method, headers, body, signal } = request;
      const { url, path } = parseTarget(request.url);
      const agent = agentFor(request.connectTimeoutMs ?? connectTimeoutMs);
      // undici's own timeouts are off: they are up to a second late.
      const silence = new Silence(signal);
      const { firstByteTimeoutMs = timeoutMs, betweenBytesTimeoutMs = timeoutMs } = request;
      try {
        silence.limit(firstByteTimeoutMs + (request.connectTimeoutMs ?? 0));
        const response = await agent.request({
          origin: url.origin,
          path,
          method: method as "GET",
          headers: withGuestMark(headers, url.hostname).flat(),
          body: body && Readable.from(body, { objectMode: false }),
          signal: silence.signal,
          headersTimeout: 0,
          bodyTimeout: 0,
          responseHeaders: "raw",
        });
        silence.limit(undefined);
        return {
          status: response.statusCode,
          headers: pairs(response.headers as unknown as string[]),
          body: limited(response.body, silence, betweenBytesTimeoutMs),
          trailers: () =>
            Object.entries(response.trailers).flatMap(([name, value]) =>
              [value ?? []].flat().map((one) => [name, one] as const)
            ),
        };
      } catch (error) {
        silence.end();
        throw error;
      }
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

/** Returns the names and values of a flat list in pairs. */
function pairs(list: readonly string[]): [name: string, value: string][] {
  return Array.from(
    { length: list.length / 2 },
    (_, at) => [list[2 * at] ?? "", list[2 * at + 1] ?? ""],
  );
}

/** Yields the chunks of a body, with a limit on the time between them. */
async function* limited(
  body: AsyncIterable<Uint8Array>,
  silence: Silence,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  silence.limit(timeoutMs);
  try {
    for await (const chunk of body) {
      // Time that the guest takes is not counted.
      silence.limit(undefined);
      yield chunk;
      silence.limit(timeoutMs);
    }
  } finally {
    silence.end();
  }
}

/** Aborts a request when its server is silent for too long or its caller leaves. */
class Silence {
  readonly #abort = new AbortController();
  readonly #caller: AbortSignal;
  readonly #onLeft = () => this.#abort.abort(this.#caller.reason);
  #timer: Timer | undefined;

  constructor(caller: AbortSignal) {
    this.#caller = caller;
    if (caller.aborted) this.#onLeft();
    else caller.addEventListener("abort", this.#onLeft, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Starts to wait for the server again; undefined for no limit. */
  limit(timeoutMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (timeoutMs === undefined) return;
    const late = () => {
      const message = `the server sent nothing for ${timeoutMs} ms`;
      this.#abort.abort(new CapsuleError("READ_TIMEOUT", message));
    };
    this.#timer = setTimeout(late, timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener("abort", this.#onLeft);
  }
}
