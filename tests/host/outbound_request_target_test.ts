import assert from "node:assert/strict";
import { parseTarget, redirectTarget } from "../../src/host/outbound/request_target.ts";

Deno.test("parseTarget: host and port are a browser's, path and query stay as written", () => {
  const rows: [string, string, string][] = [
    ["http://example.org", "http://example.org", "/"],
    ["HTTP://Example.org:80/A", "http://example.org", "/A"],
    ["https://example.org:443?q=1", "https://example.org", "/?q=1"],
    ["http://h:8080/a/../b//c/./?x=%2F&y=%zz#frag", "http://h:8080", "/a/../b//c/./?x=%2F&y=%zz"],
    ["http://h/a b?c d", "http://h", "/a%20b?c%20d"],
    ["http://h/é👋?é", "http://h", "/%C3%A9%F0%9F%91%8B?%C3%A9"],
    ['http://h/"<\\?"{}"', "http://h", '/%22%3C%5C?"{}"'],
    ["http://h?", "http://h", "/?"],
    ["http://été.fr/", "http://xn--t-9fab.fr", "/"],
    ["http://2130706433/", "http://127.0.0.1", "/"],
    ["http://0x7f.1/", "http://127.0.0.1", "/"],
    ["http://0177.0.0.1/", "http://127.0.0.1", "/"],
    ["http://[::ffff:127.0.0.1]:1/", "http://[::ffff:7f00:1]:1", "/"],
    ["http://１２７.0.0.1/", "http://127.0.0.1", "/"],
    ["http://a@b@h/", "http://h", "/"],
    ["http://h#@evil/x", "http://h", "/"],
  ];
  for (const [text, origin, path] of rows) {
    const target = parseTarget(text);
    assert.deepEqual([target.url.origin, target.path], [origin, path], text);
  }
});

Deno.test("parseTarget: turns user and password into a header and masks the password", () => {
  const target = parseTarget("http://mé:p%40ss@h/x");
  assert.equal(target.authorization, `Basic ${btoa("m\xc3\xa9:p@ss")}`);
  assert.equal(target.shown, "http://m%C3%A9:xxxxx@h/x");
  assert.equal(target.url.href, "http://h/");
  assert.equal(parseTarget("http://me@h/").authorization, `Basic ${btoa("me:")}`);
});

Deno.test("parseTarget: refuses an invalid URL with the reason", () => {
  const rows: [string, RegExp][] = [
    ["", /it has no scheme \(http:\/\/ or https:\/\/\)/],
    ["example.org/x", /it has no scheme/],
    ["ftp://h/", /the scheme "ftp" is not supported/],
    ["file:///etc/passwd", /the scheme "file" is not supported/],
    ["unix:/var/run/docker.sock", /the scheme "unix" is not supported/],
    ["http:/h", /after "http:" come two slashes and a host/],
    ["http://", /"" is not a host/],
    ["http://:80/", /":80" is not a host/],
    ["http://h:99999/", /"h:99999" is not a host/],
    ["http://h\\@evil/", /a host cannot end with a backslash/],
    ["http://h/\r\nX: y", /a control character/],
    ["http://h/\0", /a control character/],
    [" http://h/", /it has no scheme/],
  ];
  for (const [text, message] of rows) {
    assert.throws(() => parseTarget(text), { code: "URL", message }, text);
  }
});

Deno.test("redirectTarget: resolves a location against its sender", () => {
  const from = parseTarget("http://me:pw@h:8080/a/b?q");
  const to = (location: string) => {
    const { url, path } = redirectTarget(from, location);
    return url.origin + path;
  };
  assert.equal(to("c"), "http://h:8080/a/c");
  assert.equal(to("../c?x"), "http://h:8080/c?x");
  assert.equal(to("?x"), "http://h:8080/a/b?x");
  assert.equal(to("//other/x"), "http://other/x");
  assert.equal(to("https://other/\xc3\xa9"), "https://other/%C3%A9", "its bytes are UTF-8");
  assert.throws(() => to("file:///etc/passwd"), {
    code: "URL",
    message: /redirected to "file:.*the scheme "file" is not/,
  });
  assert.throws(() => to("http://"), { code: "URL", message: /redirected to "http:\/\/"/ });
});
