import type { ClientConnection } from "../clients/client_connection.ts";
import { jsonFailure } from "../clients/local_response.ts";
import { Outbox } from "../http1/outbox.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { Balance } from "../upstreams/choose.ts";
import type { Targets } from "../upstreams/targets.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { upstreamTarget } from "../upstreams/upstream_target.ts";
import { Exchange, type Failure, type Outcome } from "./exchange.ts";
import { hashKey } from "./hash_key.ts";
import type { Location } from "./locate.ts";
import { writeRequestFields } from "./rewrite_head.ts";

/** A request is sent to so many upstreams at most. */
const maxAttempts = 3;

export interface ForwardOptions {
  readonly targets: Targets;
  readonly balance: Balance;
  /** The header, in lower case, by which `hash` chooses; the client's address otherwise. */
  readonly hashHeader: string | undefined;
}

/** Sends a request to an upstream of its function, and the answer back. */
export async function forward(
  request: RequestHead,
  location: Location & { kind: "function" },
  client: ClientConnection,
  { targets, balance, hashHeader }: ForwardOptions,
): Promise<void> {
  const key = balance === "hash" ? hashKey(request, client.sender, hashHeader) : "";
  const found = targets.find(location.name, location.revision, Math.random(), key);
  const refuse = (status: number, code: string, message: string, more: Record<string, string>) =>
    client.respond(jsonFailure(status, code, message, more), request);
  const name = printable(location.name);
  if (found.kind === "no-function") {
    return await refuse(404, "ERROR_FUNCTION_NOT_FOUND", `${name} does not exist`, {
      function: name,
    });
  }
  const revision = printable(found.revision);
  const asked = { function: name, revision };
  if (found.kind === "no-revision") {
    return await refuse(
      404,
      "ERROR_REVISION_NOT_FOUND",
      `${revision} of ${name} does not exist`,
      asked,
    );
  }

  using outbox = new Outbox();
  writeRequestFields(outbox, request, client.sender);
  // Kept for another attempt; the client's buffer may hold something else by then.
  const fields = outbox.copy();
  const tried = new Set<Upstream>();
  let last: { upstream: Upstream; failure: Failure } | undefined;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const again = last?.failure.again === "same";
    const upstream = last && again
      ? last.upstream
      : targets.pick(found.targets, tried, { random: Math.random(), key });
    if (upstream === undefined) break;
    const exchange = new Exchange({ request, client, upstream, outbox });
    const target = upstreamTarget(upstream.basePath, location.rest, location.query);
    const leave = upstream.enter();
    let result: Outcome;
    try {
      result = await exchange.run(target, fields, again);
    } finally {
      leave();
    }
    if (result.kind === "over") return;
    last = { upstream, failure: result.failure };
    if (result.failure.again === "no") break;
    if (result.failure.again === "other") tried.add(upstream);
  }
  if (last === undefined) {
    return await refuse(503, "ERROR_NO_UPSTREAM", `no URL serves ${revision} of ${name}`, asked);
  }
  const { upstream: { url }, failure: { status, code, why } } = last;
  const message = `${url} did not answer for ${revision} of ${name}: ${why}`;
  await refuse(status, code, message, { ...asked, upstream: url, why });
}

/** A client's name for a function as the message shows it. */
function printable(name: string): string {
  return name.length > 128 ? name.slice(0, 128) + "…" : name;
}
