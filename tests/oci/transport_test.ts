import assert from "node:assert/strict";
import { OciTransport } from "../../src/oci/transport.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { registry, withCache } from "./fake_registry.ts";

Deno.test("OciTransport: speaks plain HTTP on this machine and with -insecure only", () => {
  const base = (host: string, insecure?: boolean) =>
    new OciTransport({ host, insecure, credentials: () => Promise.resolve(undefined) }).origin;
  for (const host of ["localhost", "LOCALHOST:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000"]) {
    assert.equal(base(host), `http://${host}`);
  }
  for (
    const host of [
      "ghcr.io",
      "localhost.example.com",
      "127.0.0.1.example.com",
      "192.168.0.1:5000",
      "[::2]",
    ]
  ) {
    assert.equal(base(host), `https://${host}`);
    assert.equal(base(host, true), `http://${host}`);
  }
  assert.equal(base("docker.io"), "https://registry-1.docker.io");
});

Deno.test("OciTransport: sends a password as Basic, or to the token server, and nowhere else", async () => {
  await using server = registry();
  await withCache(async (pull, { folder }) => {
    await Deno.mkdir(`${folder}/.docker`);
    const config = (value: unknown) =>
      Deno.writeTextFile(`${folder}/.docker/config.json`, JSON.stringify(value));
    const right = `Basic ${btoa("me:pa:ss")}`;
    const shown: string[] = [];
    const refusal = (challenge: string) =>
      new Response(null, { status: 401, headers: { "www-authenticate": challenge } });

    server.before = (request) => {
      shown.push(request.headers.get("authorization") ?? "");
      return request.headers.get("authorization") === right
        ? undefined
        : refusal('Basic realm="x", charset="UTF-8"');
    };
    await assert.rejects(
      pull(`oci://${server.host}/a:1`),
      new RegExp(
        `responded with 401 to GET .*; no credentials were sent: "docker login ${server.host}" stores some$`,
      ),
    );
    await config({ auths: { [server.host]: { auth: btoa("me:pa:ss") } } });
    assert.equal((await pull(`oci://${server.host}/a:1`)).outcome, "downloaded");
    assert.deepEqual(shown, ["", "", right, right]);

    server.before = (request, url) => {
      if (url.pathname === "/token") {
        assert.equal(url.search, "?service=reg&scope=repository%3Aa%3Apull");
        return Response.json({
          token: request.headers.get("authorization") === right ? "t0ken" : "anonymous",
        });
      }
      if (request.headers.get("authorization") === "Bearer t0ken") return undefined;
      return refusal(
        `Bearer realm="http://${server.host}/token",service="reg",scope="repository:a:pull"`,
      );
    };
    assert.equal((await pull(`oci://${server.host}/a:2`)).outcome, "downloaded");
    await config({});
    await assert.rejects(
      pull(`oci://${server.host}/a:3`),
      /responded with 401 to GET .*; the credentials that were sent are not enough$/,
    );

    await config({ auths: { [server.host]: { identitytoken: "1d" } } });
    server.before = (request, url) => {
      if (url.pathname === "/token") {
        return request.method === "POST" ? Response.json({ access_token: "t0ken" }) : refusal("");
      }
      if (request.headers.get("authorization") === "Bearer t0ken") return undefined;
      return refusal(`Bearer realm="http://${server.host}/token",service="reg"`);
    };
    assert.equal((await pull(`oci://${server.host}/a:4`)).outcome, "downloaded");

    await config({ auths: { [server.host]: { auth: btoa("me:pa:ss") } } });
    server.before = () => refusal('Bearer realm="http://elsewhere.example/token",service="reg"');
    await assert.rejects(
      pull(`oci://${server.host}/a:5`),
      /the password is not sent to http:\/\/elsewhere\.example/,
    );
  });
});

Deno.test("OciTransport: fetches another token when a request needs a wider scope", async () => {
  await using server = registry();
  const right = `Basic ${btoa("me:s3cret")}`;
  server.before = (request, url) => {
    const shown = request.headers.get("authorization") ?? "";
    if (url.pathname === "/token") {
      return shown === right
        ? Response.json({ token: url.searchParams.get("scope") })
        : new Response(null, { status: 401 });
    }
    const scope = request.method === "POST" ? "push" : "pull";
    if (shown === `Bearer ${scope}`) return new Response(null, { status: 202 });
    const challenge = `Bearer realm="http://${server.host}/token",service="reg",scope="${scope}"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  const transport = new OciTransport({
    host: server.host,
    credentials: () => Promise.resolve({ kind: "password", username: "me", password: "s3cret" }),
  });
  for (const method of ["GET", "POST"]) {
    await (await transport.request("/v2/a/blobs/uploads/", { method }, [202])).body?.cancel();
  }
});

Deno.test("OciTransport: sends no credentials to another host", async () => {
  await using server = registry();
  await using other = registry();
  const shown: (string | null)[] = [];
  for (const each of [server, other]) {
    each.before = (request) => {
      const authorization = request.headers.get("authorization");
      if (each === other) shown.push(authorization);
      else if (authorization === null) {
        return new Response(null, {
          status: 401,
          headers: { "www-authenticate": "Basic realm=x" },
        });
      }
      return undefined;
    };
  }
  const credentials = () =>
    Promise.resolve({ kind: "password" as const, username: "me", password: "pass" });
  const transport = new OciTransport({ host: server.host, credentials });
  for (const url of ["/v2/", `http://${other.host}/v2/`]) {
    await (await transport.request(url, {}, [200])).body?.cancel();
  }
  assert.deepEqual(shown, [null]);
});

Deno.test(
  "dockerCredentials: runs a credential helper",
  { ignore: Deno.build.os === "windows" },
  async () => {
    await using server = registry();
    await withCache(async (pull, { folder }) => {
      const helper = `${folder}/docker-credential-test`;
      await Deno.writeTextFile(
        helper,
        '#!/bin/sh\nread host\n[ "$1 $host" = "get $REGISTRY_HOST" ] || exit 1\necho \'{"Username":"me","Secret":"pass"}\'\n',
        { mode: 0o755 },
      );
      await Deno.mkdir(`${folder}/docker`);
      await Deno.writeTextFile(
        `${folder}/docker/config.json`,
        JSON.stringify({ credHelpers: { [server.host]: "test" } }),
      );
      server.before = (request) =>
        request.headers.get("authorization") === `Basic ${btoa("me:pass")}`
          ? undefined
          : new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
      const { env } = memoryIo({ env: { DOCKER_CONFIG: `${folder}/docker` } });
      // The helper is found by the PATH of this process.
      const path = Deno.env.get("PATH") ?? "";
      Deno.env.set("PATH", `${folder}:${path}`);
      Deno.env.set("REGISTRY_HOST", server.host);
      try {
        assert.equal((await pull(`oci://${server.host}/a:1`, { env })).outcome, "downloaded");
      } finally {
        Deno.env.set("PATH", path);
        Deno.env.delete("REGISTRY_HOST");
      }
    });
  },
);
