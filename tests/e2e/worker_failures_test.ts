import assert from "node:assert/strict";
import { freePort } from "../testing/free_port.ts";
import { callJson, childrenOf, filesBelow, Platform } from "../testing/platform.ts";

const zeros = "0".repeat(64);

/** A module with one whole section, whose content is invalid. */
const broken = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0x01, 0x02, 0xff, 0xff);

Deno.test("deploy: a failure names its step, and leaves nothing behind", async (test) => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const deploy = `${worker.url}/functions/deploy`;
  const good = await platform.upload("examples/hello-http/hello.wasm", "hello");
  await using page = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url }) => new Response(url.endsWith("/broken.wasm") ? broken : "<html>not found</html>"),
  );
  const pageUrl = `http://localhost:${page.addr.port}/hello.wasm`;
  const brokenUrl = `http://localhost:${page.addr.port}/broken.wasm`;

  const rows: ReadonlyArray<
    readonly [
      more: Record<string, unknown>,
      status: number,
      code: string,
      step: string,
      message: RegExp,
    ]
  > = [
    [
      { downloadUrl: good.replace("0.0.0", "9.9.9") },
      404,
      "MODULE_NOT_FOUND",
      "fetch",
      /responded with 404/,
    ],
    [{ downloadUrl: pageUrl }, 422, "NOT_A_MODULE", "fetch", /it begins with "<html>n/],
    [
      { downloadUrl: good, sha256: zeros },
      422,
      "WRONG_DIGEST",
      "fetch",
      new RegExp(`-sha256=${zeros}, but it has`),
    ],
    [
      { downloadUrl: `http://127.0.0.1:${freePort()}/hello.wasm` },
      502,
      "DOWNLOAD_FAILED",
      "fetch",
      /refused.*tried 3 times/,
    ],
    [{ downloadUrl: brokenUrl }, 422, "START_FAILED", "start", /Cannot read the module/],
    [
      { downloadUrl: brokenUrl, idle: "1m" },
      422,
      "START_FAILED",
      "start",
      /Cannot read the module/,
    ],
    [
      { downloadUrl: brokenUrl, instances: 3 },
      422,
      "START_FAILED",
      "start",
      /Cannot read the module/,
    ],
  ];
  // Together, so that the downloads and starts that fail slowly overlap.
  const responses = await Promise.all(rows.map(([more], index) =>
    callJson("POST", deploy, {
      body: { function: `f${index}`, revision: "blue", ...more },
    })
  ));
  for (const [index, [, status, code, step, message]] of rows.entries()) {
    await test.step(`${code}, row ${index}`, () => {
      const { body, status: actual } = responses[index] ?? assert.fail("a response is missing");
      assert.deepEqual([actual, body.code, body.step], [status, code, step], JSON.stringify(body));
      assert.match(body.message, message);
      if (step === "start") {
        assert.ok(body.lines.some((line: string) => line.includes("Cannot read the module")));
      }
    });
  }
  assert.deepEqual((await callJson("GET", `${worker.url}/functions/list`)).body, {});
  assert.deepEqual(await platform.routes(), {});
  assert.deepEqual(await childrenOf(worker.pid), []);
  const left = await filesBelow(`${platform.folder}/data`);
  assert.deepEqual(left, [
    "worker",
    "worker.json.lock",
    "worker/lock",
    "worker/modules",
    "worker/modules/sha256",
    "worker/processes",
  ]);
});

Deno.test("deploy: a state that cannot be saved changes nothing", async (test) => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const deploy = `${worker.url}/functions/deploy`;
  const good = await platform.upload("examples/hello-http/hello.wasm", "hello");
  const hello = { function: "hello", revision: "blue", downloadUrl: good };
  const { body: { localUrl } } = await callJson("POST", deploy, { body: hello });
  await Deno.mkdir(`${platform.folder}/data/worker.json.new`);
  for (
    const [path, body] of [["deploy", hello], ["scale", {
      function: "hello",
      revision: "blue",
      instances: 3,
    }]] as const
  ) {
    await test.step(path, async () => {
      const failed = await callJson("POST", `${worker.url}/functions/${path}`, { body });
      assert.deepEqual(
        [failed.status, failed.body.code, failed.body.step],
        [507, "STATE_NOT_SAVED", "save"],
      );
    });
  }
  assert.deepEqual(await platform.routes(), { hello: { blue: [localUrl] } });
  assert.equal((await childrenOf(worker.pid)).length, 1);
  await Deno.remove(`${platform.folder}/data/worker.json.new`);
  assert.equal((await callJson("POST", deploy, { body: hello })).status, 202);
});

Deno.test("deploy: a process that dies, and ports that are all taken, are errors", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello-http/hello.wasm", "hello");
  const body = { function: "hello", revision: "blue", downloadUrl };
  const script = `${platform.folder}/launcher`;
  await Deno.writeTextFile(script, "#!/bin/sh\necho one\necho 👋 two >&2\nexit 3\n", {
    mode: 0o755,
  });
  const dying = await platform.worker([`-capsulePath=${script}`]);
  const died = await callJson("POST", `${dying.url}/functions/deploy`, { body });
  assert.deepEqual([died.status, died.body.code], [422, "START_FAILED"]);
  assert.match(died.body.message, /exit code 3; its last lines:\n/);
  assert.deepEqual(died.body.lines.toSorted(), ["one", "👋 two"]);

  const nowhere = await platform.worker(["-capsulePath=/nowhere/capsule"], {
    data: `${platform.folder}/b`,
  });
  const missing = await callJson("POST", `${nowhere.url}/functions/deploy`, { body });
  assert.deepEqual([missing.status, missing.body.code], [422, "START_FAILED"]);
  assert.match(missing.body.message, /the process cannot be started: .*\/nowhere\/capsule/);

  using _taken = Deno.listen({ hostname: "127.0.0.1", port: 65535 });
  const full = await platform.worker(["-httpPortCounter=65534"], { data: `${platform.folder}/c` });
  for (const more of [{}, { idle: "1m" }]) {
    const refused = await callJson("POST", `${full.url}/functions/deploy`, {
      body: { ...body, ...more },
    });
    assert.deepEqual([refused.status, refused.body.code, refused.body.step], [
      503,
      "PORT_TAKEN",
      "start",
    ]);
    assert.match(
      refused.body.message,
      /every port from 65535 to 65535 is taken \(-httpPortCounter=65534\)/,
    );
  }
});

Deno.test("deploy: a process that fails its health check is stopped, nothing is left", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello-http/hello.wasm", "hello");
  // It accepts connections and never responds.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const report = { kind: "ready", url: "", port: silent.addr.port };
  const script = `${platform.folder}/launcher`;
  await Deno.writeTextFile(
    script,
    `#!/bin/sh\nread -r secret\necho one\necho two >&2\necho "$secret "'${
      JSON.stringify(report)
    }'\nread -r _\n`,
    { mode: 0o755 },
  );
  const worker = await platform.worker([`-capsulePath=${script}`, "-healthInterval=1s"]);
  const body = { function: "hello", revision: "blue", downloadUrl };
  const rows = [{}, { instances: 2 }, { idle: "1m" }];
  for (const more of rows) {
    const failed = await callJson("POST", `${worker.url}/functions/deploy`, {
      body: { ...body, ...more },
    });
    assert.deepEqual([failed.status, failed.body.code, failed.body.step], [
      504,
      "HEALTH_CHECK_FAILED",
      "health",
    ]);
    assert.match(
      failed.body.message,
      /^hello\/blue cannot be started: .* within 1000 ms; its last lines:\n/,
    );
    assert.deepEqual(failed.body.lines.toSorted(), ["one", "two"]);
    assert.deepEqual((await callJson("GET", `${worker.url}/functions/list`)).body, {});
    assert.deepEqual(await platform.routes(), {});
    assert.deepEqual(await childrenOf(worker.pid), []);
  }
  assert.deepEqual(await filesBelow(`${platform.folder}/data/worker/processes`), []);
});
