import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";
import { ChunkedCall } from "../testing/chunked_call.ts";
import { reflect } from "./wasmtime/both_servers.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A server that sends a given text to every connection, and keeps the request. */
class TextServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly requests: string[] = [];
  /** Resolves when a client has closed its connection. */
  readonly left = Promise.withResolvers<void>();
  readonly came = Promise.withResolvers<void>();

  constructor(text: string, { stays = false } = {}) {
    void this.#serve(text, stays).catch(() => {});
  }

  get authority(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(text: string, stays: boolean): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      void this.#answer(connection, text, stays).catch(() => {}).finally(() => {
        if (this.#open.delete(connection)) connection.close();
        this.left.resolve();
      });
    }
  }

  async #answer(connection: Deno.Conn, text: string, stays: boolean): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let request = "";
    while (!request.endsWith("0\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) return;
      request += new TextDecoder().decode(buffer.subarray(0, count));
    }
    this.requests.push(request);
    await connection.write(bytes(text));
    this.came.resolve();
    if (stays) { while (await connection.read(buffer) !== null); }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`;

/** What a server sends, and what the guest finds. A row with `stays` does not close. */
const rows: readonly {
  readonly name: string;
  readonly sent: string;
  readonly found: RegExp;
  readonly stays?: true;
}[] = [
  {
    name: "repeated fields and bytes",
    sent: `${ok}X-B: 1\r\nx-b: 2\r\nKeep-Alive: x\r\nx-c: \xff\xe9\r\nContent-Length: 0\r\n\r\n`,
    found: /^status 200\nheader x-b "1"\nheader x-b "2"\nheader x-c "\\xff\\xe9"\nheader content-l/,
  },
  {
    name: "an informational response",
    sent: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    found: /^status 200\nheader content-length "0"\nbody 0 0 closed\nno trailers\n/,
  },
  {
    name: "trailers",
    sent: `${chunked}0\r\nX-T: v\r\nx-t: w\r\n\r\n`,
    found: /\nbody 1 97 closed\ntrailer x-t "v"\ntrailer x-t "w"\nsecond get Some\(true\)\n$/,
  },
  { name: "no response", sent: "", found: /^response ErrorCode::ConnectionTerminated\n/ },
  {
    name: "another protocol",
    sent: "SPAM\r\n\r\n",
    found: /^response ErrorCode::HttpProtocolError/,
  },
  {
    name: "an invalid chunk",
    sent: `${chunked}zz\r\n`,
    found: /\nbody 1 97 failed Some\(ErrorCode::HttpProtocolError\)\ntrailers ErrorCode::HttpPr/,
  },
  {
    name: "a body that is cut",
    sent: `${ok}Content-Length: 10\r\n\r\na`,
    found: /\nbody 1 97 failed Some\(ErrorCode::HttpResponseIncomplete\)\n/,
  },
  {
    name: "fields of more than 256 KiB",
    sent: `${ok}x: ${"x".repeat(300_000)}\r\n\r\n`,
    found: /^response ErrorCode::HttpResponseHeaderSectionSize\(None\)\n/,
  },
  {
    name: "silence before the response",
    sent: "",
    stays: true,
    found: /^response ErrorCode::ConnectionReadTimeout\n/,
  },
  {
    name: "silence within the body",
    sent: chunked,
    stays: true,
    found: /\nbody 1 97 failed Some\(ErrorCode::ConnectionReadTimeout\)\n/,
  },
];

const timeouts = "first=300&between=300";

Deno.test("component with outgoing requests: responses and errors reach the guest as they came", async () => {
  await using server = await startCapsule(["-mode=http", `-wasm=${reflect}`]);
  const call = async (query: string) => {
    const answer = await fetch(`${server.url}/outgoing?${query}`, { method: "POST", body: "b" });
    return await answer.text();
  };
  for (const { name, sent, found, stays } of rows) {
    using upstream = new TextServer(sent, { stays });
    assert.match(await call(`to=${upstream.authority}&path=/a/../b?c&${timeouts}`), found, name);
    assert.match(upstream.requests[0] ?? "", /^POST \/a\/\.\.\/b\?c HTTP\/1\.1\r\n/);
  }
  assert.match(await call("to=127.0.0.1:1&path=/"), /^response ErrorCode::ConnectionRefused\n/);
  assert.match(await call("to=a.invalid&path=/"), /^response ErrorCode::DnsError\(/);
  assert.match(await call("to=127.0.0.1:1&path=/&scheme=ftp"), /^handle ErrorCode::HttpProtocolE/);
  assert.match(
    await call("to=127.0.0.1:1&path=/&method=CONNECT"),
    /ErrorCode::HttpRequestMethodInv/,
  );
});

Deno.test("component with outgoing requests: the end of the call aborts what it left open", async () => {
  await using server = await startCapsule(["-mode=http", `-wasm=${reflect}`]);
  using upstream = new TextServer("", { stays: true });
  using call = await ChunkedCall.open(
    `${server.url}/abandon?to=${upstream.authority}&path=/&method=POST`,
  );
  await upstream.came.promise;
  await call.send("x");
  await call.end();
  assert.equal(await call.status(), 200);
  await upstream.left.promise;
});

Deno.test("component with outgoing requests: failures of TLS have their own codes", async () => {
  const pem = (name: string) =>
    Deno.readTextFile(new URL(`../testdata/tls/${name}`, import.meta.url));
  await using secure = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: await pem("localhost.crt"),
    key: await pem("localhost.key"),
    onListen() {},
  }, () => new Response());
  using plain = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = plain.accept().then(async (connection) => {
    await connection.read(new Uint8Array(1000));
    await connection.write(bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
    connection.close();
  });
  await using server = await startCapsule(["-mode=http", `-wasm=${reflect}`]);
  const call = async (port: number) => {
    const query = `scheme=https&to=127.0.0.1:${port}&path=/`;
    return await (await fetch(`${server.url}/outgoing?${query}`, { method: "POST" })).text();
  };
  assert.match(await call(secure.addr.port), /^response ErrorCode::TlsCertificateError\n/);
  assert.match(await call(plain.addr.port), /^response ErrorCode::TlsProtocolError\n/);
  await answered;
});
