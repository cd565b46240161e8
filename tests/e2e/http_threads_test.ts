import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isBinary, startCapsule } from "../testing/capsule.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const counter = `-wasm=${at("tests/testdata/go/counter/counter.wasm")}`;

Deno.test("threads: share the port, the log, /host-metrics and the graceful stop", async () => {
  await using server = await startCapsule([
    "-mode=http",
    `-wasm=${at("examples/hello-http/hello.wasm")}`,
    "-threads=3",
  ], {
    env: { MESSAGE: "👋 of all threads" },
  });
  // A client of its own opens a new connection; the system distributes those over the threads.
  for (let i = 0; i < 40; i++) {
    using client = Deno.createHttpClient({});
    assert.equal((await (await fetch(server.url, { client })).json()).message, "hey people!");
  }
  const metrics = await (await fetch(`${server.url}/host-metrics`)).json();
  assert.equal(metrics.threads.length, 3);
  assert.equal(metrics.instances, 3);
  assert.equal((await server.stop()).code, 0);
  assert.equal(server.stdout.text.split('"Environment variable: 👋 of all threads"}\n').length, 41);
});

Deno.test("threads: each call has a fresh instance, on whatever thread", async () => {
  await using server = await startCapsule(["-mode=http", counter, "-threads=2"]);
  for (let i = 0; i < 30; i++) {
    using client = Deno.createHttpClient({});
    assert.equal(await (await fetch(server.url, { client })).text(), "1");
  }
});

Deno.test("threads: a stop waits for the calls of a thread while the main one is idle", async () => {
  let arrived = (_release: () => void) => {};
  await using slow = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    await new Promise<void>((resolve) => arrived(resolve));
    return new Response("finished");
  });
  const guest = at("tests/testdata/go/upstream/upstream.wasm");
  await using server = await startCapsule(["-mode=http", `-wasm=${guest}`, "-threads=2"], {
    env: { UPSTREAM_URL: `http://127.0.0.1:${slow.addr.port}` },
  });
  const busy = async () => {
    const { threads } = await (await fetch(`${server.url}/host-metrics`)).json();
    return threads.map((thread: { busy: number }) => thread.busy > 0) as boolean[];
  };
  const call = async () => {
    using client = Deno.createHttpClient({});
    return await (await fetch(server.url, { client })).text();
  };
  // The system chooses the thread; about half of the calls are the second's.
  let answer = Promise.resolve("");
  let release = () => {};
  for (let tries = 0, second = false; !second; tries++) {
    assert.ok(tries < 60, "the second thread got none of 60 calls");
    release();
    await answer;
    const waits = new Promise<() => void>((resolve) => arrived = resolve);
    answer = call();
    release = await waits;
    [, second = false] = await busy();
  }
  server.kill("SIGTERM");
  await server.stdout.line((line) => line.includes("draining"));
  const { hostname, port } = new URL(server.url);
  const listens = () =>
    Deno.connect({ hostname, port: Number(port) }).then((it) => (it.close(), true), () => false);
  while (await listens());
  release();
  assert.equal(await answer, "finished");
  assert.equal((await server.status).code, 0);
});

Deno.test("threads: a port in use is reported", async () => {
  await using server = await startCapsule(["-mode=http", counter, "-threads=2"]);
  const port = new URL(server.url).port;
  await assert.rejects(
    startCapsule(["-mode=http", counter, "-threads=2", `-httpPort=${port}`]),
    /another program listens there already/,
  );
});

Deno.test({
  name: "threads: one that dies is logged and replaced, and the others serve meanwhile",
  ignore: isBinary, // whose threads have no entry point that lets them die
  async fn() {
    await using server = await startCapsule(["-mode=http", counter, "-threads=2"], {
      main: at("tests/testing/mortal_threads.ts"),
    });
    const requests = async () => {
      const { threads } = await (await fetch(`${server.url}/host-metrics`)).json();
      return threads.map((thread: { requests: number }) => thread.requests) as number[];
    };
    const callWithNewConnections = async (calls: number) => {
      for (let i = 0; i < calls; i++) {
        using client = Deno.createHttpClient({});
        assert.equal(await (await fetch(server.url, { client })).text(), "1");
      }
    };
    // Connections that the dying thread accepted are reset; later ones are not.
    const callUntilAnswered = async () => {
      for (let left = 100; left > 0; left--) {
        const error = await callWithNewConnections(20).catch((error: unknown) => error);
        if (!(error instanceof TypeError)) return assert.equal(error, undefined);
      }
      assert.fail("connections are reset long after a thread died");
    };
    // Ends the wait for a line that never comes.
    const stuck = setTimeout(() => server.kill("SIGKILL"), 60_000);
    const waitForLine = async (sentence: string, times: number) => {
      const line = await server.stderr.line(() =>
        server.stderr.text.split(sentence).length === times + 1
      );
      assert.ok(
        line !== undefined,
        `"${sentence}" was not logged ${times} times: ${server.stderr.text}`,
      );
    };
    for (const time of [1, 2]) {
      assert.equal((await requests()).length, 2);
      server.kill("SIGUSR2");
      await waitForLine("a thread died and is replaced: ", time);
      await callUntilAnswered();
      await waitForLine("another thread serves in its place", time);
      await callWithNewConnections(40);
      const [, ofNewThread = 0] = await requests();
      assert.ok(ofNewThread > 0, "the new thread accepts connections");
    }
    clearTimeout(stuck);
    assert.match(
      server.stderr.text,
      /"level":"warn","message":"a thread died.*☠ nobody catches this"/,
    );
    assert.equal((await server.stop()).code, 0);
  },
});
