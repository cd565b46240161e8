/** A request as bytes on the wire; every character of the pieces is one byte. */
export interface RawRequest {
  /** Names the request in messages. */
  readonly title: string;
  readonly method: string;
  /** Sent one after the other. */
  readonly pieces: readonly string[];
  /** Closes the connection after the pieces, without reading. */
  readonly isAborted?: boolean;
}

/** A response, and how it ended. Strings are byte strings. */
export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** `none` if the server closed without a response, `cut` in the middle of one. */
  readonly end: "complete" | "cut" | "none";
}

const noResponse: RawResponse = { status: 0, headers: [], body: "", trailers: [], end: "none" };

/** Sends a request on a connection of its own and reads the final response. */
export async function exchange(port: number, request: RawRequest): Promise<RawResponse> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const reader = new ByteReader(connection);
  const sent = send(connection, request.pieces);
  if (request.isAborted) {
    await sent;
    return noResponse;
  }
  const response = await readResponse(reader, request.method);
  await sent;
  return response;
}

/** Writes the pieces. The server may close before it has read them. */
async function send(connection: Deno.Conn, pieces: readonly string[]): Promise<void> {
  try {
    for (const piece of pieces) {
      let rest = Uint8Array.from(piece, (character) => character.charCodeAt(0));
      while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
    }
  } catch {
    // The response shows what became of it.
  }
}

/** Reads a connection as a byte string. */
export class ByteReader {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(65_536);
  #pending = "";

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async #more(): Promise<boolean> {
    const count = await this.#connection.read(this.#buffer).catch(() => null);
    if (count === null) return false;
    for (const byte of this.#buffer.subarray(0, count)) this.#pending += String.fromCharCode(byte);
    return true;
  }

  /** Returns the bytes up to `end` and takes it, too; undefined if the connection ends before. */
  async until(end: string): Promise<string | undefined> {
    while (!this.#pending.includes(end)) if (!await this.#more()) return undefined;
    const at = this.#pending.indexOf(end);
    const found = this.#pending.slice(0, at);
    this.#pending = this.#pending.slice(at + end.length);
    return found;
  }

  /** Returns up to `count` bytes, fewer if the connection ends before. */
  async take(count: number): Promise<string> {
    while (this.#pending.length < count && await this.#more());
    const found = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return found;
  }
}

/** Reads a response (RFC 9112 § 6.3). Interim responses are skipped. */
export async function readResponse(reader: ByteReader, method: string): Promise<RawResponse> {
  const head = await reader.until("\r\n\r\n");
  if (head === undefined) return noResponse;
  const [statusLine = "", ...lines] = head.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(statusLine)?.[1] ?? NaN);
  if (Number.isNaN(status)) throw new Error(`the status line is ${JSON.stringify(statusLine)}`);
  if (status < 200) return await readResponse(reader, method);
  const headers = lines.map(parseField);
  const of = (name: string) => headers.find(([found]) => found === name)?.[1];
  const begun = { status, headers, trailers: [] };
  // A 205 has no content either; Deno sends it without a length (RFC 9110 § 15.3.6).
  if (method === "HEAD" || status === 204 || status === 205 || status === 304) {
    return { ...begun, body: "", end: "complete" };
  }
  if (of("transfer-encoding") !== undefined) return { ...begun, ...await readChunks(reader) };
  const length = Number(of("content-length") ?? Infinity);
  const body = await reader.take(length);
  return {
    ...begun,
    body,
    end: body.length === length || length === Infinity ? "complete" : "cut",
  };
}

async function readChunks(
  reader: ByteReader,
): Promise<Pick<RawResponse, "body" | "trailers" | "end">> {
  let body = "";
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const line = await reader.until("\r\n");
    if (line === undefined) return { body, trailers, end: "cut" };
    const size = parseInt(line, 16);
    if (size === 0) break;
    const chunk = await reader.take(size);
    body += chunk;
    if (chunk.length < size || await reader.until("\r\n") === undefined) {
      return { body, trailers, end: "cut" };
    }
  }
  for (;;) {
    const line = await reader.until("\r\n");
    if (line === undefined) return { body, trailers, end: "cut" };
    if (line === "") return { body, trailers, end: "complete" };
    trailers.push(parseField(line));
  }
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
