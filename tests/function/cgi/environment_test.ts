import assert from "node:assert/strict";
import { cgiEnvironment, type CgiRequest } from "../../../src/function/cgi/environment.ts";

const request: CgiRequest = {
  method: "POST",
  target: "/a/b?c=d",
  headers: [],
  bodyLength: 7,
  client: { hostname: "192.0.2.1", port: 1234 },
  server: { hostname: "127.0.0.1", port: 8080, isTls: false },
  protocol: "HTTP/1.1",
};

/** Returns the variables as byte strings. */
function variables(changes: Partial<CgiRequest> = {}): Record<string, string> {
  const all = Object.entries(cgiEnvironment({ ...request, ...changes }));
  return Object.fromEntries(
    all.map((
      [name, value],
    ) => [name, typeof value === "string" ? value : String.fromCharCode(...value)]),
  );
}

Deno.test("cgiEnvironment: the variables of RFC 3875", () => {
  const { SERVER_SOFTWARE, ...others } = variables({
    headers: [["host", "example.org:8080"], ["content-type", "text/plain"], [
      "content-length",
      "7",
    ]],
  });
  assert.match(SERVER_SOFTWARE ?? "", /^capsule\/\d+\.\d+\.\d+/);
  assert.deepEqual(others, {
    CONTENT_LENGTH: "7",
    CONTENT_TYPE: "text/plain",
    GATEWAY_INTERFACE: "CGI/1.1",
    HTTP_HOST: "example.org:8080",
    PATH_INFO: "/a/b",
    QUERY_STRING: "c=d",
    REMOTE_ADDR: "192.0.2.1",
    REMOTE_HOST: "192.0.2.1",
    REMOTE_PORT: "1234",
    REQUEST_METHOD: "POST",
    REQUEST_URI: "/a/b?c=d",
    SCRIPT_NAME: "",
    SERVER_NAME: "example.org",
    SERVER_PORT: "8080",
    SERVER_PROTOCOL: "HTTP/1.1",
  });
});

Deno.test("cgiEnvironment: without a body, without a query, and with TLS", () => {
  const { CONTENT_LENGTH, CONTENT_TYPE, QUERY_STRING, HTTPS, SERVER_NAME } = variables({
    target: "/",
    bodyLength: undefined,
    server: { hostname: "127.0.0.1", port: 443, isTls: true },
  });
  assert.deepEqual([CONTENT_LENGTH, CONTENT_TYPE, QUERY_STRING, HTTPS, SERVER_NAME], [
    undefined,
    undefined,
    "",
    "on",
    "127.0.0.1",
  ]);
  assert.equal(variables({ bodyLength: 0 }).CONTENT_LENGTH, "0");
});

Deno.test("cgiEnvironment: decodes the path, not the query or REQUEST_URI", () => {
  const target = "/caf%C3%A9%2f%ff/%zz%?q=%C3%A9&%00?";
  const { PATH_INFO, QUERY_STRING, REQUEST_URI } = variables({ target });
  assert.deepEqual([PATH_INFO, QUERY_STRING, REQUEST_URI], [
    "/caf\xc3\xa9/\xff/%zz%",
    "q=%C3%A9&%00?",
    target,
  ]);
});

Deno.test("cgiEnvironment: refuses a path with a zero byte", () => {
  assert.throws(() => variables({ target: "/a%00b" }), /a path with a zero byte \(%00\)/);
});

Deno.test("cgiEnvironment: headers are variables, except for misleading ones", () => {
  const all = variables({
    headers: [
      ["x-a", "\xc3\xa9\xff"],
      ["proxy", "http://evil"],
      ["x_b", "underscore"],
      ["x.c", "dot"],
      ["authorization", "Bearer x"],
      ["x-empty", ""],
      ["content-encoding", "gzip"],
    ],
  });
  const headers = Object.entries(all).filter(([name]) => name.startsWith("HTTP_"));
  assert.deepEqual(Object.fromEntries(headers), {
    HTTP_X_A: "\xc3\xa9\xff",
    HTTP_AUTHORIZATION: "Bearer x",
    HTTP_X_EMPTY: "",
    HTTP_CONTENT_ENCODING: "gzip",
  });
});

Deno.test("cgiEnvironment: SERVER_NAME is the Host header's, without its port", () => {
  const names = ["example.org", "example.org:", "[::1]:8080", "[::1]", "a:80:90", ""];
  assert.deepEqual(names.map((host) => variables({ headers: [["host", host]] }).SERVER_NAME), [
    "example.org",
    "example.org",
    "[::1]",
    "[::1]",
    "a:80",
    "127.0.0.1",
  ]);
});
