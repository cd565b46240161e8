import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { freePort } from "../testing/free_port.ts";
import { callJson, childrenOf, until } from "../testing/platform.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const hello = fileURLToPath(new URL("../../examples/hello/hello.wasm", import.meta.url));
const isLinux = Deno.build.os === "linux";

const tokenIn = async (folder: string) =>
  (await Deno.readTextFile(`${folder}/.capsule/token`)).trim();

/** Calls a function until it has started. */
const callStarted = (url: string, init?: RequestInit) =>
  until(async () => {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  }, ({ status }) => status !== 503);

Deno.test("faas: prints four commands that upload, deploy, call and list", () =>
  inFolder(async (folder) => {
    await using faas = await startCapsule(["-mode=faas", "-log=text"], {
      cwd: folder,
      readyLine: /^curl .*\/functions\/list/,
    });
    const commands = faas.stdout.lines.filter((line) => line.startsWith("curl "));
    assert.equal(commands.length, 4);
    const token = await tokenIn(folder);
    assert.ok(!`${faas.stdout.text}${faas.stderr.text}`.includes(token), "the token is printed");
    const answers: string[] = [];
    for (const command of commands) {
      const shell = new Deno.Command("sh", { args: ["-c", `${command} -sSf`], cwd: folder });
      const { stdout, stderr, success } = await shell.output();
      assert.ok(success, `${command}\n${new TextDecoder().decode(stderr)}`);
      answers.push(new TextDecoder().decode(stdout));
    }
    const [uploaded = "", deployed = "", called, listed = ""] = answers;
    assert.equal(JSON.parse(uploaded).code, "OK");
    assert.equal(JSON.parse(deployed).code, "FUNCTION_DEPLOYED");
    assert.equal(called, "👋 Hello World 🌍\n📝 you sent: Bob\n");
    assert.deepEqual(Object.keys(JSON.parse(listed)), ["hello"]);

    const children = isLinux ? await childrenOf(faas.pid) : [];
    assert.equal(children.length, isLinux ? 1 : 0);
    assert.equal((await faas.stop()).code, 0);
    assert.doesNotMatch(faas.stderr.text, /warning|error/);
    for (const child of children) {
      await assert.rejects(Deno.stat(`/proc/${child}`), Deno.errors.NotFound);
    }
  }));

Deno.test("faas: comes back with its token and functions after it was killed", () =>
  inFolder(async (folder) => {
    const ports = ["registry", "proxy", "worker"].map((part) => `-${part}Port=${freePort()}`);
    const faas = await startCapsule(["-mode=faas", ...ports], { cwd: folder });
    const token = await tokenIn(folder);
    if (Deno.build.os !== "windows") {
      assert.equal(((await Deno.stat(`${folder}/.capsule/token`)).mode ?? 0) & 0o777, 0o600);
    }
    const { registry, worker, proxy } = faas.ready;
    const headers = { authorization: `Bearer ${token}` };
    const url = `${registry}/me/hello/0.0.0`;
    const pushed = await runCapsule([
      "-mode=push",
      `-wasm=${hello}`,
      `-url=${url}`,
      `-adminToken=${token}`,
    ]);
    assert.equal(pushed.code, 0, pushed.stderr);
    const blue = { function: "hello", revision: "blue" };
    const body = {
      ...blue,
      downloadUrl: `${url}/hello.wasm`,
      instances: 2,
      envVariables: { A: "é" },
    };
    assert.equal(
      (await callJson("POST", `${worker}/functions/deploy`, { body, headers })).status,
      202,
    );
    await callJson("POST", `${worker}/functions/set_default_revision`, { body: blue, headers });
    const call = { method: "POST", body: "Bob" };
    const { text } = await callStarted(`${proxy}/functions/hello`, call);
    assert.match(text, /you sent: Bob/);
    const wanted = async () => {
      const { body } = await callJson("GET", `${worker}/functions/list`, { headers });
      const { wasmModules, ...revision } = body.hello.blue;
      const states: unknown[] = Object.values(wasmModules).map((each) => Object(each).state);
      return { revision, states };
    };
    const before = await wanted();
    assert.deepEqual([before.revision.isDefaultRevision, before.states], [true, [
      "running",
      "running",
    ]]);

    const children = isLinux ? await childrenOf(faas.pid) : [];
    await faas.stop("SIGKILL");
    await until(
      () => Promise.all(children.map((child) => Deno.stat(`/proc/${child}`).catch(() => "gone"))),
      (left) => left.every((each) => each === "gone"),
    );
    await using again = await startCapsule(["-mode=faas", ...ports], { cwd: folder });
    assert.equal(await tokenIn(folder), token);
    assert.deepEqual(await callStarted(`${proxy}/functions/hello`, call), { status: 200, text });
    assert.deepEqual(
      await until(wanted, ({ states }) => states.every((each) => each === "running")),
      before,
    );
    assert.equal((await again.stop()).code, 0);
  }));

Deno.test("faas: refuses changes without the token, which no function receives", () =>
  inFolder(async (folder) => {
    await using faas = await startCapsule(["-mode=faas"], { cwd: folder });
    const { registry, worker, proxy } = faas.ready;
    const token = await tokenIn(folder);
    const form = new FormData();
    form.set("file", new Blob([await Deno.readFile(hello)]), "hello.wasm");
    const upload = `${registry}/upload/me/hello/0.0.0`;
    const blue = { function: "hello", revision: "blue" };
    const downloadUrl = `${registry}/me/hello/0.0.0/hello.wasm`;
    const calls: [string, string, BodyInit | undefined][] = [
      ["POST", upload, form],
      ["POST", `${worker}/functions/deploy`, JSON.stringify({ ...blue, downloadUrl })],
      ["GET", `${worker}/functions/list`, undefined],
      [
        "POST",
        `${proxy}/memory/functions/registration`,
        JSON.stringify({ ...blue, url: "http://localhost" }),
      ],
      ["GET", `${proxy}/memory/functions/list`, undefined],
    ];
    for (const [method, url, body] of calls) {
      for (const authorization of ["", "Bearer wrong"]) {
        const refused = await fetch(url, { method, body, headers: { authorization } });
        await refused.body?.cancel();
        assert.equal(refused.status, 401, url);
      }
    }

    const headers = { authorization: `Bearer ${token}` };
    await (await fetch(upload, { method: "POST", body: form, headers })).body?.cancel();
    const body = { ...blue, downloadUrl };
    assert.equal(
      (await callJson("POST", `${worker}/functions/deploy`, { body, headers })).status,
      202,
    );
    assert.doesNotMatch(
      `${faas.stdout.text}${faas.stderr.text}`,
      new RegExp(token),
      "a log in JSON is kept",
    );
    if (!isLinux) return;
    const [child] = await childrenOf(faas.pid);
    for (const file of ["environ", "cmdline"]) {
      const text = await Deno.readTextFile(`/proc/${child}/${file}`);
      assert.ok(text.length > 0 && !text.includes(token), file);
    }
  }));

Deno.test("faas: uses the token of -adminToken, and does not print it", () =>
  inFolder(async (folder) => {
    const adminToken = "a-secret-of-my-own";
    await using faas = await startCapsule(["-mode=faas", "-log=text"], {
      cwd: folder,
      env: { CAPSULE_ADMIN_TOKEN: adminToken },
      readyLine: /^curl .*\/functions\/list/,
    });
    const [listing = ""] = faas.stdout.lines.filter((line) => line.includes("/functions/list"));
    const env = { CAPSULE_ADMIN_TOKEN: adminToken };
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `${listing} -sSf`], env })
      .output();
    assert.equal(new TextDecoder().decode(stdout), "{}");
    assert.doesNotMatch(`${faas.stdout.text}${faas.stderr.text}`, new RegExp(adminToken));
    await assert.rejects(tokenIn(folder), Deno.errors.NotFound);
  }));

Deno.test("faas: names the flag of a server that cannot start, and stops the others", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (const part of ["registry", "proxy", "worker"]) {
      const ports = ["registry", "proxy", "worker"].map((each) =>
        `-${each}Port=${each === part ? taken.addr.port : 0}`
      );
      const { code, stderr } = await runCapsule(["-mode=faas", ...ports], { cwd: folder });
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`listens there already \\(choose another -${part}Port, 0 for`),
      );
    }
    await using _faas = await startCapsule(["-mode=faas"], { cwd: folder });
    const second = await runCapsule(["-mode=faas", "-registryPort=0", "-proxyPort=0"], {
      cwd: folder,
    });
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      /^capsule: another -mode=faas uses .*\.capsule: choose another folder \(-data\)/,
    );
    await Deno.writeTextFile(`${folder}/file`, "");
    for (const mode of ["faas", "worker"]) {
      const { code, stderr } = await runCapsule([`-mode=${mode}`, "-data=file/data"], {
        cwd: folder,
      });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^capsule: cannot keep data in .*file\/data.* \(-data\): Not a directory/,
      );
    }
  }));
