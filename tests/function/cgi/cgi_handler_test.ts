import assert from "node:assert/strict";
import { compileWat } from "../../prepare/modules.ts";
import { serveProgram, serveProgramBytes, type TestProgram } from "../../testing/program.ts";

const client = new Uint8Array(100_000).map((_, at) => at * 7 + (at >> 8));

async function withProgram(
  flags: readonly string[],
  test: (program: TestProgram) => Promise<void>,
): Promise<void> {
  await using program = await serveProgram("cgi", flags);
  await test(program);
}

Deno.test("cgi: each request is a run with its own variables and those of -env", async () => {
  await withProgram(["-env=MINE=é", "-env=HTTP_X_A=mine"], async ({ get }) => {
    for (const value of ["one", "two"]) {
      const response = await get("/variables?q=1", { headers: { "x-a": value, "x-only": value } });
      assert.equal(response.headers.get("content-type"), "text/plain");
      const lines = (await response.text()).trimEnd().split("\n");
      const wanted = [
        "MINE=é",
        "PATH_INFO=/variables",
        "QUERY_STRING=q=1",
        "REQUEST_METHOD=GET",
        `HTTP_X_A=${value}`,
      ];
      for (const line of wanted) {
        assert.ok(lines.includes(line), `${line} is not in ${lines.join("\n")}`);
      }
      assert.equal(lines.filter((line) => line.startsWith("CONTENT_LENGTH")).length, 0);
    }
    const plain = await (await get("/variables")).text();
    assert.match(plain, /^HTTP_X_A=mine$/m);
    assert.doesNotMatch(plain, /HTTP_X_ONLY/);
  });
});

Deno.test("cgi: a body of any length is standard input, byte for byte", async () => {
  await withProgram([], async ({ get }) => {
    for (const length of [0, 1, 9_999, 65_536, 100_000]) {
      const body = client.slice(0, length);
      const response = await get("/echo", {
        method: "POST",
        body,
        headers: { "content-type": "a/b" },
      });
      assert.equal(response.headers.get("content-type"), "a/b");
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
    }
    // The length of a chunked body is counted.
    const body = ReadableStream.from([client.slice(0, 3), client.slice(3, 10)]);
    const counted = await get("/variables", { method: "POST", body });
    assert.match(await counted.text(), /^CONTENT_LENGTH=10$/m);
  });
});

Deno.test("cgi: a body over -maxBody is a 413, and the program is not run", async () => {
  await withProgram(["-maxBody=1KiB"], async ({ get, output }) => {
    const response = await get("/complain", { method: "POST", body: client.slice(0, 1025) });
    assert.equal(response.status, 413);
    await response.body?.cancel();
    assert.equal(output().stderr, "");
  });
});

Deno.test("cgi: status and headers are the program's, without hop-by-hop headers", async () => {
  await withProgram([], async ({ get, output }) => {
    const response = await get("/fields");
    assert.equal(response.status, 404);
    assert.deepEqual([...response.headers], [
      ["content-type", "text/html"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=\xc3\xa9"],
      ["x-empty", ""],
    ]);
    assert.equal(await response.text(), "<p>not here</p>\n");
    assert.match(output().stderr, /^warning: the function's header "Connection" is left out/);
  });
});

Deno.test("cgi: Location is a 302, the given Status, or a local redirect", async () => {
  await withProgram([], async ({ get }) => {
    const elsewhere = await get("/elsewhere");
    assert.deepEqual([elsewhere.status, elsewhere.headers.get("location")], [
      302,
      "https://example.org/a?b=c",
    ]);
    const moved = await get("/moved");
    assert.deepEqual([moved.status, moved.headers.get("location"), await moved.text()], [
      308,
      "/variables",
      "moved\n",
    ]);
    const local = await get("/local", {
      method: "POST",
      body: "gone",
      headers: { "content-type": "a/b", "x-a": "kept" },
    });
    assert.deepEqual([local.status, local.headers.get("location")], [200, null]);
    const variables = await local.text();
    assert.match(variables, /^QUERY_STRING=from=local$/m);
    assert.match(variables, /^REQUEST_METHOD=GET$/m);
    assert.match(variables, /^HTTP_X_A=kept$/m);
    assert.doesNotMatch(variables, /^CONTENT_/m);
  });
});

Deno.test("cgi: a status without a body has none", async () => {
  await withProgram([], async ({ get }) => {
    const response = await get("/no-content");
    assert.deepEqual([response.status, await response.text()], [204, ""]);
  });
});

const invalid: [path: string, why: RegExp][] = [
  ["/silent", /it ended with exit code 3 and wrote nothing$/],
  ["/no-head", /"hello" is not a header$/],
  ["/half-head", /it ended with exit code 0 before the empty line that ends its head$/],
  ["/no-type", /neither a Content-Type nor a Location nor a Status$/],
  ["/bad-status", /got "999 What"$/],
  ["/huge-head", /its head has more than 65536 bytes$/],
  ["/circle", /it redirected the request 10 times, at last to \/circle$/],
];

for (const [path, why] of invalid) {
  Deno.test(`cgi: an invalid response (${path}) is a 502 and logged with the reason`, async () => {
    await withProgram([], async ({ get, output }) => {
      const response = await get(path);
      assert.equal(response.status, 502);
      const { code, message } = await response.json();
      assert.equal(code, "BAD_ANSWER");
      assert.match(message, why);
      assert.match(output().stderr, /error: cgi\.wasm: the response of the program is invalid: /);
      assert.equal(await (await get("/")).text(), "hello\n");
    });
  });
}

Deno.test("cgi: a trap is a 502 with the reason of the engine; the output goes to the log", async () => {
  await withProgram([], async ({ get, output }) => {
    const response = await get("/trap");
    assert.deepEqual([response.status, await response.json()], [502, {
      code: "TRAP",
      message: "the program trapped: unreachable",
    }]);
    assert.match(
      output().stderr,
      /^cgi: trapping now\nerror: cgi\.wasm: it trapped: unreachable( \(in .*\))?\n$/,
    );
  });
});

Deno.test("cgi: the client of a program that trapped does not get what looks like a panic", async () => {
  const line = "panic: opening db as admin:secret\n";
  const bytes = compileWat(`(module
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 8) "${line.replace("\n", "\\n")}")
    (func (export "_start")
      (i32.store (i32.const 0) (i32.const 8))
      (i32.store (i32.const 4) (i32.const ${line.length}))
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100)))
      (unreachable)))`);
  await using program = await serveProgramBytes("panics", bytes);
  assert.deepEqual(await (await program.get("/")).json(), {
    code: "TRAP",
    message: "the program trapped: unreachable",
  });
  assert.ok(program.output().stderr.startsWith(`panics: ${line}`));
});

Deno.test("cgi: logs an exit code after a whole response", async () => {
  await withProgram([], async ({ get, output }) => {
    assert.equal(await (await get("/late-exit")).text(), "answered\n");
    assert.equal(output().stderr, "warning: cgi.wasm ended with exit code 5\n");
  });
});

Deno.test("cgi: logs standard error line by line with the program's name", async () => {
  await withProgram([], async ({ get, output }) => {
    assert.equal(await (await get("/complain")).text(), "complained\n");
    assert.deepEqual(output(), { stdout: "", stderr: "cgi: one\ncgi: two ☹\ncgi: three\n" });
  });
});

Deno.test("cgi: an endless program is a 504 at its deadline, and others run meanwhile", async () => {
  await withProgram(["-timeout=300ms"], async ({ get, command }) => {
    const spinning = get("/spin");
    assert.equal(await (await get("/")).text(), "hello\n");
    const response = await spinning;
    assert.equal(response.status, 504);
    assert.equal((await response.json()).code, "TIMEOUT");
    assert.deepEqual(command.figures, { instances: 0, busy: 0, queued: 0 });
  });
});

Deno.test("cgi: runs beyond -maxInstances queue, beyond -maxQueue they are a 503", async () => {
  await withProgram(
    ["-maxInstances=1", "-maxQueue=1", "-timeout=300ms"],
    async ({ get, command }) => {
      const running = get("/spin");
      const waiting = get("/");
      const refused = await get("/");
      assert.equal(refused.status, 503);
      assert.equal((await refused.json()).code, "OVERLOADED");
      assert.deepEqual(command.figures, { instances: 1, busy: 1, queued: 1 });
      assert.equal((await running).status, 504);
      // The queued run has the same deadline and may just meet it.
      assert.ok([200, 504].includes((await waiting).status));
    },
  );
});

Deno.test("cgi: streams a long response at its reader's pace, and ends with the reader", async () => {
  await withProgram([], async ({ get, command }) => {
    const whole = await get("/much");
    const text = await whole.text();
    assert.equal(text.length, 7_000_000);
    assert.equal(text.slice(-14), "999998\n999999\n");
    const endless = await get("/endless");
    const reader = endless.body?.getReader();
    await reader?.read();
    assert.equal(command.figures.busy, 1);
    await reader?.cancel();
    await until(() => command.figures.busy === 0);
  });
});

Deno.test("cgi: sends output while the program waits; a client that leaves ends it", async () => {
  await withProgram([], async ({ get, command }) => {
    const response = await get("/first-then-sleep");
    const reader = response.body?.getReader();
    assert.equal(new TextDecoder().decode((await reader?.read())?.value), "first\n");
    await reader?.cancel();
    await until(() => command.figures.busy === 0);
  });
});

Deno.test("cgi: a response that is cut off is an error for its reader", async () => {
  await withProgram([], async ({ get, output }) => {
    const response = await get("/late-trap");
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), /the program did not end its response/);
    assert.match(
      output().stderr,
      /error: cgi\.wasm: a response was cut off: it trapped: unreachable/,
    );
  });
});

Deno.test("cgi: a path with a zero byte is a 400", async () => {
  await withProgram([], async ({ get }) => {
    const response = await get("/a%00b");
    assert.deepEqual([response.status, (await response.json()).code], [400, "BAD_PATH"]);
  });
});

/** Waits until `holds` returns true. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    assert.ok(turn < 10_000, "the condition is never met");
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
