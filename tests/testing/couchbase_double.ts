import { ScramServer } from "./couchbase_scram.ts";

/** The response of the double to a statement. */
export type QueryAnswer =
  | { readonly kind: "rows"; readonly rows: readonly string[] }
  | {
    readonly kind: "error";
    readonly code: number;
    readonly message: string;
    readonly status?: number;
  }
  /** The connection is cut after the statement has arrived. */
  | { readonly kind: "cut" }
  /** No response before the double is closed. */
  | { readonly kind: "silence" };

/** The user and the buckets of the double. */
export interface DoubleOptions {
  readonly user: string;
  readonly password: string;
  readonly bucket: string;
}

/** Commands of the binary protocol that a client needs to find the query service. */
const command = {
  hello: 0x1f,
  saslList: 0x20,
  saslAuth: 0x21,
  saslStep: 0x22,
  selectBucket: 0x89,
  config: 0xb5,
} as const;
const status = { ok: 0, notFound: 1, authFailed: 0x20, authContinue: 0x21, unknown: 0x81 } as const;
const headerBytes = 24;

/**
 * A server that the real client takes for Couchbase: it authenticates clients over the binary
 * protocol, names its query service, and responds to statements as the test says. It knows no N1QL.
 *
 * @see https://github.com/couchbase/kv_engine/blob/master/docs/BinaryProtocol.md
 */
export class CouchbaseDouble implements AsyncDisposable {
  /** Statements in the order in which they arrived. */
  readonly statements: string[] = [];
  /** The names and versions of the clients, one for each connection. */
  readonly agents: string[] = [];
  answer: (statement: string) => QueryAnswer = () => ({ kind: "rows", rows: [] });

  readonly #options: DoubleOptions;
  #port = 0;
  #queryPort = 0;
  #revision = 0;
  #running: Running | undefined;

  constructor(options: DoubleOptions) {
    this.#options = options;
    this.start();
  }

  get connectionString(): string {
    return `couchbase://127.0.0.1:${this.#port}`;
  }

  /** Listens; after `stop`, on the same ports. */
  start(): void {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: this.#port });
    const ended = new AbortController();
    const open = new Set<Deno.TcpConn>();
    const http = Deno.serve({
      hostname: "127.0.0.1",
      port: this.#queryPort,
      signal: ended.signal,
      onListen: () => {},
      // The test cuts connections.
      onError: () => new Response(null, { status: 500 }),
    }, (request) => this.#query(request));
    this.#port = listener.addr.port;
    this.#queryPort = http.addr.port;
    this.#revision++;
    const silent = Promise.withResolvers<void>();
    this.#running = {
      listener,
      ended,
      open,
      http,
      silent,
      accepting: this.#accept(listener, open, ended.signal),
    };
  }

  /** Ends every connection and stops listening. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    running.listener.close();
    running.silent.resolve();
    running.ended.abort();
    for (const connection of running.open) connection.close();
    running.open.clear();
    await Promise.all([running.accepting, running.http.finished]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #accept(
    listener: Deno.TcpListener,
    open: Set<Deno.TcpConn>,
    ended: AbortSignal,
  ): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of listener) {
      // A connection that arrived meanwhile would otherwise be waited for without limit.
      if (ended.aborted) connection.close();
      else served.push(this.#serve(connection, open));
    }
    await Promise.all(served);
  }

  async #serve(connection: Deno.TcpConn, open: Set<Deno.TcpConn>): Promise<void> {
    open.add(connection);
    const scram = new ScramServer(this.#options.password);
    let received: Uint8Array = new Uint8Array();
    const buffer = new Uint8Array(16_384);
    try {
      for (
        let read = await connection.read(buffer);
        read !== null;
        read = await connection.read(buffer)
      ) {
        received = Uint8Array.from([...received, ...buffer.subarray(0, read)]);
        for (let frame = frameOf(received); frame; frame = frameOf(received)) {
          received = received.subarray(frame.length);
          const [code, body] = this.#answerTo(frame, scram);
          const answer = answerFrame(frame, code, body);
          for (let rest = answer; rest.length > 0;) {
            rest = rest.subarray(await connection.write(rest));
          }
        }
      }
    } catch {
      // The client left, or the double is closed.
    }
    if (open.delete(connection)) connection.close();
  }

  #answerTo({ opcode, key, value }: Frame, scram: ScramServer): [number, string] {
    switch (opcode) {
      case command.hello:
        this.agents.push(JSON.parse(key).a);
        return [status.ok, ""];
      case command.saslList:
        return [status.ok, "SCRAM-SHA512"];
      case command.saslAuth:
        return [status.authContinue, scram.challenge(value)];
      case command.saslStep: {
        const proof = scram.verify(value);
        return proof === undefined ? [status.authFailed, ""] : [status.ok, proof];
      }
      case command.selectBucket:
        return [key === this.#options.bucket ? status.ok : status.notFound, ""];
      case command.config:
        return [status.ok, JSON.stringify(this.#config())];
      default:
        return [status.unknown, ""];
    }
  }

  #config(): object {
    const services = { kv: this.#port, n1ql: this.#queryPort, mgmt: this.#queryPort };
    return {
      rev: this.#revision,
      revEpoch: 1,
      nodesExt: [{ services, thisNode: true, hostname: "127.0.0.1" }],
      clusterCapabilitiesVer: [1, 0],
      clusterCapabilities: { n1ql: [] },
    };
  }

  async #query(request: Request): Promise<Response> {
    const { statement, client_context_id } = await request.json();
    const { user, password } = this.#options;
    if (request.headers.get("authorization") !== `Basic ${btoa(`${user}:${password}`)}`) {
      return Response.json({
        errors: [{ code: 13014, msg: "User does not have credentials" }],
        status: "fatal",
      }, {
        status: 401,
      });
    }
    this.statements.push(statement);
    const answer = this.answer(statement);
    const common = {
      requestID: crypto.randomUUID(),
      clientContextID: client_context_id,
      signature: null,
    };
    switch (answer.kind) {
      case "rows":
        // As text, because a row may contain a number that JavaScript cannot represent.
        return new Response(
          `${JSON.stringify(common).slice(0, -1)},"results":[${
            answer.rows.join(",")
          }],"status":"success",` +
            `"metrics":{"elapsedTime":"1ms","executionTime":"1ms","resultCount":${answer.rows.length},"resultSize":1}}`,
          { headers: { "content-type": "application/json" } },
        );
      case "error":
        return Response.json({
          ...common,
          errors: [{ code: answer.code, msg: answer.message }],
          status: "fatal",
        }, { status: answer.status ?? 400 });
      case "cut":
        // Less than the announced length.
        return new Response(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue(new TextEncoder().encode('{"requestID":'));
              controller.error("cut");
            },
          }),
        );
      case "silence":
        await this.#running?.silent.promise;
        return new Response();
    }
  }
}

interface Running {
  readonly listener: Deno.TcpListener;
  readonly http: Deno.HttpServer<Deno.NetAddr>;
  readonly open: Set<Deno.TcpConn>;
  readonly accepting: Promise<void>;
  readonly ended: AbortController;
  readonly silent: PromiseWithResolvers<void>;
}

interface Frame {
  readonly opcode: number;
  readonly opaque: Uint8Array;
  readonly key: string;
  readonly value: string;
  /** Length of the frame in bytes. */
  readonly length: number;
}

/**
 * Returns the first complete frame. A header is 24 bytes: magic, opcode, key length (2), extras
 * length, data type, vbucket (2), body length (4), opaque (4), cas (8); extras, key and value
 * follow.
 */
function frameOf(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < headerBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = headerBytes + view.getUint32(8);
  if (bytes.length < length) return undefined;
  const keyAt = headerBytes + view.getUint8(4);
  const valueAt = keyAt + view.getUint16(2);
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  return {
    opcode: view.getUint8(1),
    opaque: bytes.slice(12, 16),
    key: text(keyAt, valueAt),
    value: text(valueAt, length),
    length,
  };
}

function answerFrame({ opcode, opaque }: Frame, code: number, body: string): Uint8Array {
  const value = new TextEncoder().encode(body);
  const bytes = new Uint8Array(headerBytes + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x81);
  view.setUint8(1, opcode);
  view.setUint8(5, opcode === command.config ? 1 : 0); // JSON
  view.setUint16(6, code);
  view.setUint32(8, value.length);
  bytes.set(opaque, 12);
  bytes.set(value, headerBytes);
  return bytes;
}
