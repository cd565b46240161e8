import assert from "node:assert/strict";
import { capsuleCommand } from "../testing/capsule.ts";
import { Platform, until } from "../testing/platform.ts";
import { call, inWorker } from "./open_worker.ts";

Deno.test({
  name: "worker: a removed revision has a grace period for its requests",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const answer = Promise.withResolvers<void>();
    const routesAtCut = Promise.withResolvers<Awaited<ReturnType<Platform["routes"]>>>();
    const asked = new Set<string>();
    await using platform = await Platform.start();
    await using slow = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        asked.add(pathname);
        if (pathname === "/short") {
          request.signal.addEventListener("abort", () => routesAtCut.resolve(platform.routes()));
        }
        await answer.promise;
        return new Response("at last");
      },
    );
    const downloadUrl = await platform.upload("tests/testdata/go/upstream/upstream.wasm", "hello");
    const options = {
      command: capsuleCommand(),
      proxy: { url: platform.proxy.url, backend: "memory" },
      variables: Deno.env.toObject(),
    };
    await inWorker((patient) =>
      inWorker(async (hasty) => {
        for (const [worker, revision] of [[patient, "long"], [hasty, "short"]] as const) {
          const envVariables = { UPSTREAM_URL: `http://127.0.0.1:${slow.addr.port}/${revision}` };
          const body = { function: "hello", revision, downloadUrl, envVariables };
          const deployed = await call(worker, "POST", "/functions/deploy", { body });
          assert.equal(deployed.status, 202, JSON.stringify(deployed.body));
        }
        const ask = async (revision: string) => {
          const response = await fetch(`${platform.proxy.url}/functions/hello/${revision}`);
          return [response.status, await response.text()] as const;
        };
        const [long, short] = [ask("long"), ask("short")];
        await until(() => Promise.resolve(asked.size), (count) => count === 2);

        const remove = async (worker: typeof patient, revision: string) => {
          const body = { function: "hello", revision };
          const { status } = await call(worker, "DELETE", "/functions/revisions/deployments", {
            body,
          });
          return { revision, status };
        };
        const removals = [remove(patient, "long"), remove(hasty, "short")];
        assert.deepEqual(await Promise.race(removals), { revision: "short", status: 202 });
        assert.equal((await routesAtCut.promise).hello?.short, undefined);
        assert.equal((await short)[0], 502);

        answer.resolve();
        assert.deepEqual(await long, [200, "at last"]);
        assert.deepEqual(await removals[0], { revision: "long", status: 202 });
      }, { ...options, drainMs: 500 }), { ...options, drainMs: 60_000 });
  },
});
