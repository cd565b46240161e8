import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { createLog } from "../../src/base/log.ts";
import { parse } from "../../src/cli/parse.ts";
import { runPush } from "../../src/modes/push.ts";
import { sha256, testRegistry } from "../registry/test_registry.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { memoryIo } from "../testing/memory_io.ts";

const wasm = new URL("../../examples/hello-http/hello.wasm", import.meta.url).pathname;

/**
 * A registry with the admin token `s3cret`, under a loopback name and under another one, and the
 * credentials that it received.
 */
async function withRegistry(
  work: (registry: {
    other: string;
    local: string;
    push(flags: readonly string[], env?: Record<string, string>): Promise<string>;
    shown(): (string | null)[];
  }) => Promise<void>,
): Promise<void> {
  await using registry = await testRegistry({ adminToken: "s3cret", host: "0.0.0.0" });
  let shown: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    shown.push(request.headers.get("authorization"));
    return registry.registry.handler(request);
  });
  await inFolder((docker) =>
    work({
      // This address reaches this machine, but is not a loopback address.
      other: `0.0.0.0:${server.addr.port}`,
      local: `127.0.0.1:${server.addr.port}`,
      shown: () => shown,
      async push(flags, env = {}) {
        shown = [];
        const io = memoryIo({ env: { DOCKER_CONFIG: docker, ...env } });
        const command = parse(["-mode=push", `-wasm=${wasm}`, ...flags], io.env);
        assert(command.kind === "mode" && command.mode === "push");
        try {
          await runPush(command.options, { io, log: createLog("text", io) });
          return io.stdout.text;
        } catch (error) {
          if (error instanceof CapsuleError) return error.message;
          throw error;
        }
      },
    })
  ).finally(() => server.shutdown());
}

const token = { CAPSULE_ADMIN_TOKEN: "s3cret" };

Deno.test("runPush: does not send the token to another registry, and names the flag that would", () =>
  withRegistry(async ({ other, push, shown }) => {
    const refused =
      `this needs the token: Authorization: Bearer <token>; -adminToken was not sent to it, ` +
      `which requires -registry=http://${other}`;
    assert.equal(
      await push([`-url=http://${other}/k33g/hey/1`], token),
      `the registry http://${other} responded with 401: ${refused}`,
    );
    assert.deepEqual(shown(), [null]);
    for (const registry of ["http://example.org", `https://${other}`, "http://127.0.0.1"]) {
      const flags = [
        `-url=http://${other}/k33g/hey/1`,
        `-registry=${registry}`,
        "-adminToken=s3cret",
      ];
      assert.match(await push(flags), /responded with 401/);
      assert.deepEqual(shown(), [null], registry);
    }
    const byOci = await push([`-url=oci://${other}/k33g/hey:1`, "-insecure"], token);
    assert.match(
      byOci,
      /responded with 401 to POST .*; -adminToken was not sent to it, which requires -registry=http:/,
    );
    assert(
      !shown().some((each) => each?.includes("s3cret") || each?.includes(btoa("capsule:s3cret"))),
    );
    // Without a token, the message must not mention it.
    assert.match(await push([`-url=http://${other}/k33g/hey/1`]), /Bearer <token>$/);
  }));

Deno.test("runPush: sends the token to the registry of -registry and to one on this machine", () =>
  withRegistry(async ({ other, local, push, shown }) => {
    const digest = sha256(await Deno.readFile(wasm));
    const registry = { ...token, CAPSULE_REGISTRY: `http://${other}/` };
    assert.equal(
      await push([`-url=http://${other}/k33g/hey/1`], registry),
      `http://${other}/k33g/hey/1/hey.wasm ${digest}\n`,
    );
    assert.deepEqual(shown(), ["Bearer s3cret"]);
    assert.match(
      await push([`-url=oci://${other}/k33g/hey:2`, "-insecure"], registry),
      /^oci:.*@sha256:/,
    );
    assert.match(await push([`-url=http://${local}/k33g/hey/3`], token), /hey\.wasm sha256:/);
    assert.match(await push([`-url=oci://${local}/k33g/hey:4`], token), /^oci:.*@sha256:/);
  }));

Deno.test("runPush: uses the credentials of docker login for another OCI registry", () =>
  withRegistry(async ({ other, push }) => {
    await inFolder(async (folder) => {
      const auths = { [other]: { auth: btoa("me:s3cret") } };
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }));
      const env = { CAPSULE_ADMIN_TOKEN: "another", DOCKER_CONFIG: folder };
      assert.match(
        await push([`-url=oci://${other}/k33g/hey:1`, "-insecure"], env),
        /^oci:.*@sha256:/,
      );
    });
  }));
