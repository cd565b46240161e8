import assert from "node:assert/strict";
import { createFetch, type FetchOptions } from "../../src/base/http_fetch.ts";
import { proxiesFromEnvironment } from "../../src/base/proxies.ts";

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on 127.0.0.1 that records the method and URL of each request. */
class Recorder implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(handler: Handler) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      this.requests.push(`${request.method} ${request.url}`);
      return handler(request);
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

function withProxy(proxy: string, noProxy = ""): FetchOptions {
  const variables: Record<string, string> = { HTTP_PROXY: proxy, NO_PROXY: noProxy };
  const env = { get: (name: string) => variables[name], toObject: () => variables };
  return { proxies: proxiesFromEnvironment(env) };
}

const text = async (response: Promise<Response>) => await (await response).text();

Deno.test({
  name: "createFetch: sends requests to the proxy, and those to this machine directly",
  sanitizeResources: false, // its clients live as long as the process
  async fn() {
    await using origin = new Recorder(() => new Response("direct"));
    await using proxy = new Recorder(({ headers }) =>
      new Response(`proxied ${headers.get("proxy-authorization")}`)
    );
    const fetch = createFetch(withProxy(proxy.origin.replace("//", "//me:pw@")));
    assert.equal(await text(fetch(origin.origin)), "direct");
    assert.equal(await text(fetch(origin.origin.replace("127.0.0.1", "localhost"))), "direct");
    assert.equal(await text(fetch("http://a.example/x")), `proxied Basic ${btoa("me:pw")}`);
    assert.deepEqual(proxy.requests, ["GET http://a.example/x"]);
  },
});

Deno.test({
  name: "createFetch: chooses the proxy anew for each redirect, and drops credentials there",
  sanitizeResources: false,
  async fn() {
    await using origin = new Recorder(async (request) =>
      new Response(
        `${request.method} ${request.headers.get("authorization")} ${await request.text()}`,
      )
    );
    await using proxy = new Recorder(({ url }) => {
      const status = Number(new URL(url).pathname.slice(1));
      return new Response(null, { status, headers: { location: `${origin.origin}/back` } });
    });
    const fetch = createFetch(withProxy(proxy.origin));
    const init = { method: "POST", body: "body", headers: { authorization: "Bearer t" } };
    assert.equal(await text(fetch("http://a.example/302", init)), "GET null ");
    assert.equal(await text(fetch("http://a.example/307", init)), "POST null body");
    const put = { ...init, method: "PUT" };
    assert.equal(await text(fetch("http://a.example/301", put)), "PUT null body");
    assert.equal(await text(fetch("http://a.example/303", put)), "GET null ");
    assert.equal((await fetch("http://a.example/302", { redirect: "manual" })).status, 302);
    assert.equal(proxy.requests.length, 5);
  },
});

Deno.test({
  name: "createFetch: stops after 20 redirects",
  sanitizeResources: false,
  async fn() {
    await using proxy = new Recorder(({ url }) =>
      new Response(null, { status: 302, headers: { location: url } })
    );
    const fetch = createFetch(withProxy(proxy.origin));
    await assert.rejects(fetch("http://a.example/"), { message: "too many redirects" });
    assert.equal(proxy.requests.length, 21);
  },
});

Deno.test({
  name: "createFetch: trusts the authority that it is given",
  sanitizeResources: false,
  async fn() {
    const read = (name: string) =>
      Deno.readTextFileSync(new URL(`../testdata/tls/${name}`, import.meta.url));
    const [cert, key] = [read("localhost.crt"), read("localhost.key")];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
      () => new Response("private"),
    );
    const url = `https://localhost:${server.addr.port}/`;
    assert.equal(await text(createFetch({ ca: cert })(url)), "private");
    await assert.rejects(createFetch()(url), TypeError);
    await server.shutdown();
  },
});
