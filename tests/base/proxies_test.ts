import assert from "node:assert/strict";
import { proxiesFromEnvironment, proxyAuthorization, proxyFor } from "../../src/base/proxies.ts";

function proxies(variables: Record<string, string>) {
  return proxiesFromEnvironment({ get: (name) => variables[name], toObject: () => variables });
}

Deno.test("proxiesFromEnvironment: chooses the proxy by scheme, lower case first", () => {
  const chosen = (variables: Record<string, string>, url: string) =>
    proxyFor(new URL(url), proxies(variables))?.href;
  const both = { HTTP_PROXY: "http://a:1", https_proxy: "b:2" };
  assert.equal(chosen(both, "http://example.org/"), "http://a:1/");
  assert.equal(chosen(both, "https://example.org/"), "http://b:2/");
  assert.equal(chosen({ HTTP_PROXY: "http://a:1" }, "https://example.org/"), undefined);
  assert.equal(chosen({ HTTP_PROXY: "a:1", http_proxy: "c:3" }, "http://h/"), "http://c:3/");
  assert.equal(chosen({ ALL_PROXY: "socks5://s:1080" }, "https://h/"), "socks5://s:1080");
  assert.equal(chosen({ HTTP_PROXY: "" }, "http://h/"), undefined);
  assert.equal(chosen({ HTTP_PROXY: "a:1", REQUEST_METHOD: "GET" }, "http://h/"), undefined);
  assert.equal(proxies({}), undefined);
});

Deno.test("proxiesFromEnvironment: refuses an invalid proxy without showing it", () => {
  for (const value of ["http://", "ftp://h", "http://user:secret@:80"]) {
    assert.throws(() => proxies({ HTTPS_PROXY: value }), {
      code: "PROXY",
      message: "HTTPS_PROXY is not the URL of a proxy, such as http://proxy.example:3128",
    }, value);
  }
});

Deno.test("proxyFor: connects to loopback directly, whatever the environment says", () => {
  const all = proxies({ ALL_PROXY: "http://p:1" });
  for (
    const host of [
      "localhost",
      "localhost:8080",
      "LOCALHOST.",
      "api.localhost",
      "127.0.0.1",
      "127.9.9.9:80",
      "127.1",
      "[::1]",
      "[::1]:80",
      "[::ffff:127.0.0.1]",
      "0.0.0.0",
      "[::]",
    ]
  ) {
    for (const scheme of ["http", "https"]) {
      assert.equal(proxyFor(new URL(`${scheme}://${host}/`), all), undefined, host);
    }
  }
  assert.ok(proxyFor(new URL("http://localhost.example.org/"), all));
});

Deno.test("proxyFor: NO_PROXY has names, suffixes, ports, addresses and ranges, as in Go", () => {
  const rows: [noProxy: string, direct: string[], proxied: string[]][] = [
    ["*", ["http://any.example/", "https://10.0.0.1/"], []],
    ["example.org", ["http://example.org/", "http://a.EXAMPLE.org:81/"], ["http://xexample.org/"]],
    [".example.org", ["http://a.example.org/"], ["http://example.org/"]],
    ["*.example.org", ["http://a.example.org/"], ["http://example.org/"]],
    ["example.org.", ["http://example.org/", "http://example.org./"], ["http://org/"]],
    ["a.org:8080", ["http://a.org:8080/", "http://b.a.org:8080/"], ["http://a.org/"]],
    ["a.org:443", ["https://a.org/"], ["http://a.org/", "https://a.org:444/"]],
    ["10.1.2.3", ["http://10.1.2.3:99/"], ["http://10.1.2.4/", "http://host/"]],
    ["10.1.2.3:80", ["http://10.1.2.3/"], ["http://10.1.2.3:81/"]],
    ["10.0.0.0/8", ["http://10.255.0.1/"], ["http://11.0.0.1/", "http://[::a00:1]/"]],
    ["0.0.0.0/0", ["http://1.2.3.4/"], ["http://[2001:db8::1]/"]],
    ["fd00::/8", ["http://[fd12::1]/"], ["http://[fe00::1]/"]],
    ["2001:db8::1", ["http://[2001:db8:0::1]/"], ["http://[2001:db8::2]/"]],
    ["[2001:db8::1]:80", ["http://[2001:db8::1]/"], ["http://[2001:db8::1]:81/"]],
    ["10.0.0.0/8", ["http://[::ffff:10.0.0.1]/"], []],
    [" a.org , ,b.org ", ["http://a.org/", "http://b.org/"], ["http://c.org/"]],
    ["10.0.0.0/33", [], ["http://10.0.0.1/"]],
    ["", [], ["http://a.org/"]],
  ];
  for (const [noProxy, direct, proxied] of rows) {
    const given = proxies({ ALL_PROXY: "http://p:1", NO_PROXY: noProxy });
    for (const url of direct) assert.equal(proxyFor(new URL(url), given), undefined, noProxy + url);
    for (const url of proxied) assert.ok(proxyFor(new URL(url), given), `${noProxy} ${url}`);
  }
});

Deno.test("proxyAuthorization: decodes the credentials of the URL", () => {
  assert.equal(proxyAuthorization(new URL("http://p:1")), undefined);
  const url = new URL("http://m%40e:p%C3%A9@p:1");
  assert.equal(proxyAuthorization(url), `Basic ${btoa("m@e:p\u00c3\u00a9")}`);
});
