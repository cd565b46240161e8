import { messageOf } from "../base/errors.ts";
import type { Balance } from "./choose.ts";
import { badRequest, type ClientConnection } from "./client_connection.ts";
import { BadMessage } from "./http1/bad_message.ts";
import { BodyReader } from "./http1/body_reader.ts";
import { byteText, equalsWord } from "./http1/characters.ts";
import { gather, moveBody, type Moved } from "./http1/move_body.ts";
import { Outbox } from "./http1/outbox.ts";
import type { RequestHead } from "./http1/request_head.ts";
import { parseResponseHead, type ResponseHead } from "./http1/response_head.ts";
import type { Wire } from "./http1/wire.ts";
import { jsonFailure } from "./local_response.ts";
import { type Location, upstreamTarget } from "./locate.ts";
import { writeRequestFields, writeResponseHead } from "./rewrite_head.ts";
import type { Targets } from "./targets.ts";
import { tunnel } from "./tunnel.ts";
import { ConnectError, type Upstream } from "./upstream.ts";

/** A request is sent to so many upstreams at most. */
const maxAttempts = 3;
/** Answers of 1xx before the answer. */
const maxInterim = 16;

/** Methods that mean the same once or twice. @see https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export interface ForwardOptions {
  readonly targets: Targets;
  readonly balance: Balance;
  /** The header, in lower case, by which `hash` chooses; the client's address otherwise. */
  readonly hashHeader: string | undefined;
}

/** Why an attempt came to nothing. */
interface Failure {
  readonly status: 502 | 504;
  readonly code: string;
  readonly why: string;
  /** Where the request may be sent now: nowhere, to another upstream, or also to the same. */
  readonly again: "no" | "other" | "same";
}

type Attempt = { readonly kind: "over" } | { readonly kind: "failed"; readonly failure: Failure };

const over: Attempt = { kind: "over" };

/** Sends a request to an upstream of its function, and the answer back. */
export async function forward(
  request: RequestHead,
  location: Location & { kind: "function" },
  client: ClientConnection,
  { targets, balance, hashHeader }: ForwardOptions,
): Promise<void> {
  const key = balance === "hash" ? hashKey(request, client, hashHeader) : "";
  const found = targets.find(location.name, location.revision, Math.random(), key);
  const name = printable(location.name);
  if (found.kind === "no-function") {
    const failure = jsonFailure(404, "ERROR_FUNCTION_NOT_FOUND", `${name} does not exist`, {
      function: name,
    });
    return await client.respond(failure, request);
  }
  const revision = printable(found.revision);
  if (found.kind === "no-revision") {
    const message = `${revision} of ${name} does not exist`;
    return await client.respond(
      jsonFailure(404, "ERROR_REVISION_NOT_FOUND", message, { function: name, revision }),
      request,
    );
  }

  using outbox = new Outbox();
  writeRequestFields(outbox, request, client.sender, "");
  const headers = outbox.copy();
  const tried = new Set<Upstream>();
  let last: { upstream: Upstream; failure: Failure } | undefined;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const again = last?.failure.again === "same";
    const upstream = last && again
      ? last.upstream
      : targets.pick(found.targets, tried, { random: Math.random(), key });
    if (upstream === undefined) break;
    const exchange = new Exchange(request, client, upstream, outbox);
    const target = upstreamTarget(upstream.basePath, location.rest, location.query);
    upstream.entered();
    let result: Attempt;
    try {
      result = await exchange.run(target, headers, again);
    } finally {
      upstream.left();
    }
    if (result.kind === "over") return;
    last = { upstream, failure: result.failure };
    if (result.failure.again === "no") break;
    if (result.failure.again === "other") tried.add(upstream);
  }
  if (last === undefined) {
    const message = `no URL serves ${revision} of ${name}`;
    return await client.respond(
      jsonFailure(503, "ERROR_NO_UPSTREAM", message, { function: name, revision }),
      request,
    );
  }
  const { upstream: { url }, failure: { status, code, why } } = last;
  const message = `${url} did not answer for ${revision} of ${name}: ${why}`;
  await client.respond(
    jsonFailure(status, code, message, { function: name, revision, upstream: url, why }),
    request,
  );
}

/** One attempt: a connection to the upstream, the request, its answer. */
class Exchange {
  readonly #request: RequestHead;
  readonly #client: ClientConnection;
  readonly #upstream: Upstream;
  readonly #outbox: Outbox;
  #wire: Wire | undefined;
  #reused = false;
  #clientGone = false;
  #sent: Moved | undefined;
  #interim = 0;
  /** Whether the attempt has ended: who still sends the body stops. */
  #over = false;

  constructor(request: RequestHead, client: ClientConnection, upstream: Upstream, outbox: Outbox) {
    this.#request = request;
    this.#client = client;
    this.#upstream = upstream;
    this.#outbox = outbox;
  }

  async run(target: string, headers: Uint8Array, onlyNew: boolean): Promise<Attempt> {
    const { wire: clientWire } = this.#client;
    const giveUp = () => {
      this.#clientGone = true;
      this.#wire?.close();
      // It may have ended its own side only: what it still takes would look like the whole, or never end.
      clientWire.close();
    };
    clientWire.onEnd = giveUp;
    if (clientWire.ended) giveUp();
    try {
      const wire = await this.#connect(onlyNew);
      if (wire === undefined) return over;
      this.#wire = wire;
      return await this.#talk(wire, target, headers);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      this.#upstream.failed(error.message);
      return this.#clientGone ? over : failed(
        error.timedOut ? 504 : 502,
        error.timedOut ? "ERROR_UPSTREAM_TIMEOUT" : "ERROR_UPSTREAM_UNREACHABLE",
        error.message,
        "other",
      );
    } finally {
      clientWire.onEnd = undefined;
    }
  }

  async #connect(onlyNew: boolean): Promise<Wire | undefined> {
    if (this.#clientGone) return undefined;
    const { method, body } = this.#request;
    const mayRepeat = idempotent.has(method) && body.kind === "none";
    const idle = onlyNew ? undefined : this.#upstream.takeIdle(!mayRepeat);
    this.#reused = idle !== undefined;
    const wire = idle ?? await this.#upstream.dial();
    if (!this.#clientGone) return wire;
    wire.close();
    return undefined;
  }

  async #talk(wire: Wire, target: string, headers: Uint8Array): Promise<Attempt> {
    const { timeouts } = this.#client;
    await this.#send(wire, target, headers);
    if (this.#sent || this.#request.expectsContinue) wire.readByMs = wire.clock.in(timeouts.firstByteMs);
    try {
      const response = await this.#readResponse(wire);
      if (response === undefined) {
        wire.close();
        return await this.#noAnswer(wire);
      }
      this.#upstream.answered();
      if (response.status === 101) return await this.#upgrade(wire, response);
      const { whole, again } = await this.#relay(wire, response);
      if (!whole) this.#client.wire.close();
      if (again) this.#upstream.giveBack(wire, keepMs(response));
      else wire.close();
      return over;
    } catch (error) {
      wire.close();
      if (!(error instanceof BadMessage)) throw error;
      if (this.#sent?.kind === "bad" || this.#clientGone) return await this.#noAnswer(wire);
      this.#upstream.failed(error.message);
      if (!this.#client.body.done) this.#client.keep = false;
      return failed(502, "ERROR_UPSTREAM_GARBAGE", error.message, "no");
    } finally {
      this.#over = true;
    }
  }

  /**
   * Sends the head, with as much of the body as has come. The rest goes on while the answer is read, until `#sent` says how it ended: an
   * upstream may answer before it has all, and must be heard for it to say `100`.
   */
  async #send(wire: Wire, target: string, headers: Uint8Array): Promise<void> {
    const { method, body: { kind } } = this.#request;
    const { wire: clientWire, body, timeouts } = this.#client;
    const outbox = this.#outbox;
    outbox.clear();
    outbox.text(`${method} ${target} HTTP/1.1\r\n`);
    outbox.bytes(headers);
    if (kind === "length" && !this.#request.expectsContinue) {
      gather({ body, from: clientWire, outbox, chunked: false });
    }
    if (!body.done) {
      this.#sendBody(wire, outbox.copy());
      outbox.clear();
      return;
    }
    this.#sent = { kind: "done" };
    try {
      await outbox.flush(wire, timeouts.idleMs);
    } catch {
      // Reading tells what became of the upstream; it may have answered before it closed.
    }
    outbox.clear();
    this.#readAhead();
  }

  async #sendBody(wire: Wire, before: Uint8Array): Promise<void> {
    const { wire: clientWire, body, patience, timeouts } = this.#client;
    using outbox = new Outbox();
    outbox.bytes(before);
    const moved = await moveBody({
      body,
      from: clientWire,
      to: wire,
      outbox,
      chunked: this.#request.body.kind === "chunked",
      stallMs: timeouts.idleMs,
      readBy: () => patience.readBy(),
      isStopped: () => this.#over,
      onRead: (bytes: number) => patience.got(bytes),
    });
    if (moved.kind === "stopped" || this.#over) return;
    this.#sent = moved;
    if (moved.kind === "cut" || moved.kind === "bad") return wire.close();
    // From its first byte on, the answer has deadlines of its own.
    if (!this.#client.answered) wire.readByMs = wire.clock.in(timeouts.firstByteMs);
    if (moved.kind === "done") this.#readAhead();
  }

  /** So a client that goes away is seen. */
  #readAhead(): void {
    const { wire } = this.#client;
    if (wire.buffered < 2048) wire.fill();
  }

  /** The answer's head, the interim ones before it passed on; `undefined` when the connection ended first. */
  async #readResponse(wire: Wire): Promise<ResponseHead | undefined> {
    const { wire: clientWire, timeouts } = this.#client;
    for (;;) {
      const end = await wire.readBlock();
      if (end === 0) return undefined;
      const response = parseResponseHead(wire.bytes, wire.start, end, this.#request.method);
      wire.start = end;
      if (response.status >= 200) return response;
      if (response.status === 101) {
        if (this.#request.upgrade !== undefined) return response;
        throw new BadMessage("the upstream changed the protocol without being asked");
      }
      if (++this.#interim > maxInterim) throw new BadMessage("the upstream sent too many 1xx answers");
      if (response.status === 100 && this.#sent === undefined) wire.readByMs = Infinity;
      if (this.#request.minor === 0) continue;
      const outbox = this.#outbox;
      writeResponseHead(outbox, response, { chunked: false, connection: undefined });
      try {
        await outbox.flush(clientWire, timeouts.idleMs);
      } catch {
        this.#clientGone = true;
        return undefined;
      }
    }
  }

  /** Passes the answer on. `whole`: the client has all of it. `again`: the upstream's connection can be used again. */
  async #relay(wire: Wire, response: ResponseHead): Promise<{ whole: boolean; again: boolean }> {
    const client = this.#client;
    const { minor, method } = this.#request;
    const { idleMs } = client.timeouts;
    const { kind } = response.body;
    const framedByChunks = kind === "chunked" || kind === "until-close";
    const chunked = minor === 1 &&
      (framedByChunks ||
        (method === "HEAD" && response.fields.some(({ known }) => known === "transfer-encoding")));
    // A client of HTTP/1.0 sees the end of such a body by the end of its connection only.
    if (framedByChunks && minor === 0) client.keep = false;
    writeResponseHead(this.#outbox, response, {
      chunked,
      connection: client.connectionHeader(this.#request),
    });
    client.answered = true;
    wire.readByMs = Infinity;
    const moved = await moveBody({
      body: new BodyReader(wire, response.body),
      from: wire,
      to: client.wire,
      outbox: this.#outbox,
      chunked: chunked && framedByChunks,
      stallMs: idleMs,
      readBy: () => wire.clock.in(idleMs),
    });
    if (moved.kind !== "done") {
      if (moved.kind !== "refused" && !this.#clientGone && this.#sent?.kind !== "bad") {
        this.#upstream.failed("an answer broke off");
      }
      return { whole: false, again: false };
    }
    return { whole: true, again: response.keepAlive && this.#sent?.kind === "done" };
  }

  async #upgrade(wire: Wire, response: ResponseHead): Promise<Attempt> {
    const client = this.#client;
    client.answered = true;
    client.keep = false;
    writeResponseHead(this.#outbox, response, { chunked: false, connection: "upgrade" });
    wire.readByMs = Infinity;
    try {
      await this.#outbox.flush(client.wire, client.timeouts.idleMs);
      client.wire.onEnd = undefined;
      await tunnel(client.wire, wire, client.timeouts.idleMs);
    } catch {
      // The client went away meanwhile.
    }
    wire.close();
    client.wire.close();
    return over;
  }

  /** The upstream's connection ended without an answer: whose fault was it, and may another be asked? */
  async #noAnswer(wire: Wire): Promise<Attempt> {
    const client = this.#client;
    if (this.#sent?.kind === "bad") {
      client.keep = false;
      await client.respond(badRequest(this.#sent.error), undefined);
      return over;
    }
    // A client that was too slow has been told so by its connection.
    if (this.#clientGone || this.#sent?.kind === "cut" || client.wire.closed) {
      client.wire.close();
      return over;
    }
    // The rest of the body may still come: nobody can say where the next request begins.
    if (!client.body.done) client.keep = false;
    if (wire.late !== undefined) {
      const why = `no answer within ${client.timeouts.firstByteMs} ms`;
      this.#upstream.failed(why);
      return failed(504, "ERROR_UPSTREAM_TIMEOUT", why, "no");
    }
    const { method, body } = this.#request;
    const mayRepeat = idempotent.has(method) && body.kind === "none";
    const why = wire.failure === undefined
      ? "it closed the connection without an answer"
      : `the connection broke: ${messageOf(wire.failure)}`;
    // A connection that had been idle may be closed by the upstream: that says nothing of its health.
    if (this.#reused) return failed(502, "ERROR_UPSTREAM_CLOSED", why, mayRepeat ? "same" : "no");
    this.#upstream.failed(why);
    return failed(502, "ERROR_UPSTREAM_CLOSED", why, mayRepeat ? "other" : "no");
  }
}

function failed(status: 502 | 504, code: string, why: string, again: Failure["again"]): Attempt {
  return { kind: "failed", failure: { status, code, why, again } };
}

/** How long the upstream keeps an idle connection, a little less to be sure. */
function keepMs({ keepAliveSeconds }: ResponseHead): number | undefined {
  return keepAliveSeconds === undefined ? undefined : keepAliveSeconds * 1000 - 500;
}

function hashKey(request: RequestHead, client: ClientConnection, header: string | undefined): string {
  const { bytes, fields } = request;
  const wanted = header ?? (client.sender.trusted ? "x-forwarded-for" : undefined);
  if (wanted !== undefined) {
    const field = fields.findLast(({ start, nameEnd }) => equalsWord(bytes, start, nameEnd, wanted));
    // Of a list of addresses the last one is what the trusted proxy saw.
    const value = field && byteText(bytes, field.valueStart, field.valueEnd);
    if (value) return header === undefined ? value.slice(value.lastIndexOf(",") + 1).trim() : value;
  }
  return client.sender.address;
}

/** A client's name for a function as the message shows it. */
function printable(name: string): string {
  return name.length > 128 ? name.slice(0, 128) + "…" : name;
}
