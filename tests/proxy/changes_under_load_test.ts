import assert from "node:assert/strict";
import fc from "fast-check";
import { applyTo, callOf, type Command, commands, type Model } from "./admin/admin_model.ts";
import { Peer, RawServer } from "./peers.ts";
import { startProxy, type TestProxy } from "./start_proxy.ts";
import { silentLog as log } from "./silent_log.ts";
import { adminApi } from "../../src/proxy/admin/admin_api.ts";
import { ProxyClient } from "../../src/proxy/admin/client.ts";
import { MemoryTable } from "../../src/proxy/routes/memory_table.ts";
import { adminGuard } from "../../src/server/admin_guard.ts";

/** Starts a proxy with its admin interface on the port of the load. */
function administered(): TestProxy {
  const table = new MemoryTable(new Map());
  const { fetch } = adminApi(table, {
    backend: "memory",
    guard: adminGuard({ host: "127.0.0.1" }),
    log,
  });
  const proxy = startProxy({}, { admin: { root: "memory", handler: fetch } });
  table.listen((routes) => proxy.server.update(routes));
  return proxy;
}

/** Starts servers that respond with their names; returns the names by URL. */
function namedServers(names: readonly string[]): { byUrl: Map<string, string> } & Disposable {
  const servers = names.map((name) => {
    const server = new RawServer();
    server.serve(() => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
    return server;
  });
  return {
    byUrl: new Map(servers.map(({ url }, index) => [url, names[index] ?? ""])),
    [Symbol.dispose]: () => servers.forEach((each) => each[Symbol.dispose]()),
  };
}

Deno.test("RoutingTable: no request is lost while routes change under load", async () => {
  using servers = namedServers(["a", "b"]);
  const [a = "", b = ""] = servers.byUrl.keys();
  await using proxy = administered();
  const client = new ProxyClient({ url: proxy.url, backend: "memory" });
  const f = { function: "f", revision: "default" };
  await client.register({ ...f, url: a });

  let changing = true;
  let answered = 0;
  const asking = Array.from({ length: 8 }, async (_, index) => {
    using peer = await Peer.connect(proxy.port);
    while (changing) {
      await peer.send(`${index % 2 ? "GET" : "POST"} /functions/f HTTP/1.1\r\nHost: x\r\n\r\n`);
      const answer = await peer.message();
      assert.match(answer, /^HTTP\/1\.1 200 /);
      answered++;
    }
  });
  for (let round = 0; round < 100; round++) {
    await client.addUrl({ ...f, url: b });
    await client.removeUrl({ ...f, url: a });
    await client.addUrl({ ...f, url: a });
    await client.removeUrl({ ...f, url: b });
  }
  changing = false;
  await Promise.all(asking);
  assert.ok(answered > 100, String(answered));
});

Deno.test("RoutingTable: each response fits the routes at some moment of its request", async () => {
  using servers = namedServers(["a", "b"]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(commands([...servers.byUrl.keys()]), { minLength: 10, maxLength: 60 }),
      async (sequence) => {
        await using proxy = administered();
        await changeUnderLoad(proxy, sequence, servers.byUrl);
      },
    ),
    { numRuns: 25 },
  );
});

async function changeUnderLoad(
  proxy: TestProxy,
  sequence: readonly Command[],
  names: ReadonlyMap<string, string>,
): Promise<void> {
  /** The routes over time; the last change may be under way. */
  const history: Model[] = [new Map()];
  let changing = true;
  const asking = Array.from({ length: 6 }, async (_, index) => {
    using peer = await Peer.connect(proxy.port);
    const name = index % 2 ? "f" : "__proto__";
    const revision = index % 3 ? "default" : "blue";
    const path = `/functions/${name}${revision === "default" ? "" : "/blue"}`;
    while (changing) {
      const since = Math.max(0, history.length - 2);
      await peer.send(`${index < 3 ? "GET" : "POST"} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const answer = await peer.message();
      const seen = outcomeOf(answer);
      const possible = history.slice(since).flatMap((model) =>
        outcomes(model, name, revision, names)
      );
      assert.ok(possible.includes(seen), `${path}: ${seen} is not one of ${possible}`);
    }
  });
  const changes = (async () => {
    try {
      using peer = await Peer.connect(proxy.port);
      for (const command of sequence) {
        const next = structuredClone(history[history.length - 1] ?? new Map());
        const status = applyTo(next, command);
        history.push(next);
        const [method, path, body] = callOf(command);
        const text = JSON.stringify(body);
        await peer.send(
          `${method} /memory/functions/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
        );
        assert.equal(Number((await peer.message()).slice(9, 12)), status, JSON.stringify(command));
      }
    } finally {
      changing = false;
    }
  })();
  await Promise.all([changes, ...asking]);
}

/** Returns the name of a server, or the reason of a failure. */
function outcomeOf(answer: string): string {
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  return answer.startsWith("HTTP/1.1 200 ") ? body : String(JSON.parse(body).code);
}

function outcomes(
  model: Model,
  name: string,
  revision: string,
  names: ReadonlyMap<string, string>,
): string[] {
  const revisions = model.get(name);
  if (revisions === undefined) return ["ERROR_FUNCTION_NOT_FOUND"];
  const urls = revisions.get(revision);
  if (urls === undefined) return ["ERROR_REVISION_NOT_FOUND"];
  return urls.length === 0 ? ["ERROR_NO_UPSTREAM"] : urls.map((url) => names.get(url) ?? url);
}
