import type { ClientConnection, ClientInfo } from "../../http1/client_connection.ts";
import { jsonFailure } from "../../http1/local_response.ts";
import { byteText, equalsWord } from "../../http1/characters.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import { WriteBuffer } from "../../http1/write_buffer.ts";
import type { Balance } from "../upstreams/choose.ts";
import type { RoutingTable } from "../upstreams/routing_table.ts";
import { type Upstream, upstreamTarget } from "../upstreams/upstream.ts";
import { Attempt, type AttemptFailure, type AttemptOutcome } from "./attempt.ts";
import type { Location } from "./locate.ts";
import { writeRequestFields } from "./rewrite_head.ts";

/** The largest number of attempts for one request. */
const maxAttempts = 3;

/** Options of `forward`. */
export interface ForwardOptions {
  readonly routing: RoutingTable;
  readonly balance: Balance;
  /** The header, in lower case, that `hash` uses; the client's address if undefined. */
  readonly hashHeader: string | undefined;
}

/** Sends a request to an upstream of its function, and the response to the client. */
export async function forward(
  request: RequestHead,
  location: Location & { kind: "function" },
  client: ClientConnection,
  { routing, balance, hashHeader }: ForwardOptions,
): Promise<void> {
  const key = balance === "hash" ? hashKey(request, client.info, hashHeader) : "";
  const found = routing.find(location.name, location.revision, { random: Math.random(), key });
  const refuse = (status: number, code: string, message: string, more: Record<string, string>) =>
    client.respond(jsonFailure(status, code, message, more), request);
  const name = printable(location.name);
  if (found.kind === "no-function") {
    return await refuse(404, "ERROR_FUNCTION_NOT_FOUND", `${name} does not exist`, {
      function: name,
    });
  }
  const revision = printable(found.revision);
  const named = { function: name, revision };
  if (found.kind === "no-revision") {
    const message = `${revision} of ${name} does not exist`;
    return await refuse(404, "ERROR_REVISION_NOT_FOUND", message, named);
  }

  using out = new WriteBuffer();
  writeRequestFields(out, request, client.info);
  // A copy for further attempts: the client's buffer may be overwritten by then.
  const fields = out.copy();
  const tried = new Set<Upstream>();
  let last: { upstream: Upstream; failure: AttemptFailure } | undefined;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const onlyNew = last?.failure.retry === "same";
    const upstream = last && onlyNew
      ? last.upstream
      : routing.pick(found.upstreams, tried, { random: Math.random(), key });
    if (upstream === undefined) break;
    const target = upstreamTarget(upstream.basePath, location.rest, location.query);
    const leave = upstream.enter();
    let result: AttemptOutcome;
    try {
      result = await new Attempt({ request, client, upstream, out }).run(target, fields, onlyNew);
    } finally {
      leave();
    }
    if (result.kind === "over") return;
    last = { upstream, failure: result.failure };
    if (result.failure.retry === "no") break;
    if (result.failure.retry === "other") tried.add(upstream);
  }
  if (last === undefined) {
    return await refuse(503, "ERROR_NO_UPSTREAM", `no URL serves ${revision} of ${name}`, named);
  }
  const { upstream: { url }, failure: { status, code, why } } = last;
  const message = `${url} did not answer for ${revision} of ${name}: ${why}`;
  await refuse(status, code, message, { ...named, upstream: url, why });
}

/** Returns a name from a request as messages show it. */
function printable(name: string): string {
  return name.length > 128 ? name.slice(0, 128) + "…" : name;
}

/**
 * Returns the key that `hash` maps to an upstream: the value of the header (in lower case), or
 * else the client's address.
 */
export function hashKey(
  { bytes, fields }: RequestHead,
  { address, trusted }: ClientInfo,
  header: string | undefined,
): string {
  const name = header ?? (trusted ? "x-forwarded-for" : undefined);
  if (name === undefined) return address;
  const field = fields.findLast(({ start, nameEnd }) => equalsWord(bytes, start, nameEnd, name));
  const value = field && byteText(bytes, field.valueStart, field.valueEnd);
  if (!value) return address;
  // The last address of the list is the one that the trusted proxy saw.
  return header === undefined ? value.slice(value.lastIndexOf(",") + 1).trim() : value;
}
