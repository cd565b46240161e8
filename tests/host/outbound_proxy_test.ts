import assert from "node:assert/strict";
import { proxiesFromEnvironment } from "../../src/base/proxies.ts";
import { createHttpClient, type HttpClientOptions } from "../../src/host/outbound/http_client.ts";
import { makeCertificates } from "../testing/certificates.ts";
import { refused } from "../testing/refused.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/**
 * An HTTP proxy that records the heads of requests. It answers requests in absolute form itself,
 * and opens every tunnel to `127.0.0.1:tunnelPort`, or refuses it with 403 if that is 0.
 */
class TestProxy implements AsyncDisposable {
  readonly heads: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;

  constructor(tunnelPort = 0) {
    this.#accepting = this.#accept(tunnelPort);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(tunnelPort: number): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      serving.push(this.#serve(connection, tunnelPort).catch(() => {}));
    }
    await Promise.all(serving);
  }

  async #serve(connection: Deno.Conn, tunnelPort: number): Promise<void> {
    const encode = (text: string) => new TextEncoder().encode(text);
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      const head = new TextDecoder("latin1").decode(buffer.subarray(0, count));
      this.heads.push(head);
      if (!head.startsWith("CONNECT")) {
        await connection.write(encode("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied"));
      } else if (tunnelPort === 0) {
        await connection.write(encode("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
      } else {
        const upstream = await Deno.connect({ hostname: "127.0.0.1", port: tunnelPort });
        this.#open.add(upstream);
        await connection.write(encode("HTTP/1.1 200 Connection established\r\n\r\n"));
        await Promise.all([
          connection.readable.pipeTo(upstream.writable).catch(() => {}),
          upstream.readable.pipeTo(connection.writable).catch(() => {}),
        ]);
        break;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch {
        // The tunnel has closed it.
      }
    }
    await this.#accepting;
  }
}

async function client(
  proxy: string,
  options: Partial<HttpClientOptions>,
  use: (ask: (url: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  const variables: Record<string, string> = { ALL_PROXY: proxy, NO_PROXY: "direct.example" };
  const proxies = proxiesFromEnvironment({
    get: (name) => variables[name],
    toObject: () => variables,
  });
  const it = await createHttpClient({
    timeoutMs: 30_000,
    maxResponseBytes: 1e6,
    proxies,
    ...options,
  });
  try {
    await use(async (url) => {
      const body = new Uint8Array();
      const response = await it.request({ url, method: "GET", headers: [], body });
      return new TextDecoder().decode(response.body);
    });
  } finally {
    await it.close();
  }
}

Deno.test("http client: sends http requests to the proxy in absolute form", async () => {
  await using proxy = new TestProxy();
  await client(proxy.url.replace("//", "//me:pw@"), {}, async (ask) => {
    assert.equal(await ask("http://a.example:81/x/../y?q={a}"), "proxied");
    const lines = proxy.heads[0]?.split("\r\n") ?? [];
    assert.equal(lines[0], "GET http://a.example:81/x/../y?q={a} HTTP/1.1");
    assert.deepEqual(lines.filter((line) => /^(host|proxy-authorization):/i.test(line)), [
      "host: a.example:81",
      `Proxy-Authorization: Basic ${btoa("me:pw")}`,
    ]);
  });
});

Deno.test("http client: reaches https by a tunnel and verifies the certificate", () =>
  inFolder(async (folder) => {
    await makeCertificates(folder, "DNS:a.example");
    const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: read("server.crt"),
      key: read("server.key"),
      onListen: () => {},
    }, ({ url }) => new Response(`private ${url}`));
    {
      await using proxy = new TestProxy(server.addr.port);
      await client(proxy.url, { ca: read("ca.crt") }, async (ask) => {
        assert.equal(await ask("https://a.example/x"), "private https://a.example/x");
        assert.equal(await ask("https://a.example/y"), "private https://a.example/y");
        assert.deepEqual(proxy.heads.map((head) => head.split("\r\n")[0]), [
          "CONNECT a.example:443 HTTP/1.1",
        ]);
        await refused(ask("https://other.example/"), "HTTP", /certificate/i);
      });
      await client(proxy.url, {}, (ask) => refused(ask("https://a.example/"), "HTTP", /./));
    }
    await server.shutdown();
  }));

Deno.test("http client: reports a proxy that refuses the tunnel", async () => {
  await using proxy = new TestProxy();
  await client(proxy.url, {}, async (ask) => {
    await refused(
      ask("https://a.example/"),
      "HTTP",
      /^Get "https:\/\/a\.example\/": the proxy 127\.0\.0\.1:\d+ refuses the tunnel with 403$/,
    );
  });
});

Deno.test("http client: loopback and NO_PROXY are direct, whatever proxy there is", async () => {
  await using proxy = new TestProxy();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("direct"),
  );
  const { port } = server.addr;
  await client(proxy.url, { resolve: () => Promise.resolve(["127.0.0.1"]) }, async (ask) => {
    for (const host of ["127.0.0.1", "localhost", "direct.example"]) {
      assert.equal(await ask(`http://${host}:${port}/`), "direct");
    }
  });
  assert.deepEqual(proxy.heads, []);
  await server.shutdown();
});

Deno.test("http client: -allowNet checks the URL's host where a proxy connects", async () => {
  await using proxy = new TestProxy();
  const allowNet = ["a.example:80", "10.0.0.0/8"];
  await client(proxy.url, { allowNet, resolve: () => assert.fail("resolved") }, async (ask) => {
    assert.equal(await ask("http://a.example/"), "proxied");
    assert.equal(await ask("http://10.1.2.3/"), "proxied");
    const would = (rule: string) =>
      new RegExp(`is not allowed: -allowNet=${rule.replace(".", "\\.")} would allow it$`);
    await refused(ask("http://b.example/"), "DENIED", would("b.example:80"));
    await refused(ask("http://a.example:81/"), "DENIED", would("a.example:81"));
    await refused(ask("https://a.example/"), "DENIED", would("a.example:443"));
    await refused(ask("http://11.1.2.3/"), "DENIED", would("11.1.2.3:80"));
    assert.equal(proxy.heads.length, 2);
  });
});
