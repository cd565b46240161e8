import assert from "node:assert/strict";
import { parse } from "../../src/cli/parse.ts";
import { grantsOf, limitsOf, type RunnerFlags } from "../../src/modes/runner_flags.ts";
import { noGrants } from "../testing/no_grants.ts";

function flagsOf(...args: string[]): RunnerFlags {
  const command = parse(args, { get: () => undefined });
  assert(command.kind === "mode" && (command.mode === "cli" || command.mode === "http"));
  return command.options;
}

const io = { cwd: () => "/home/zoé" };

Deno.test("grantsOf: has all that -dir, -env and the lists grant, and nothing by default", () => {
  assert.deepEqual(grantsOf(flagsOf("-mode=cli"), io), noGrants);
  const flags = flagsOf(
    ...["-mode=cli", "-dir=data::/d", "-env=A=é", "-env=B", "-allowRead=a,b", "-allowWrite="],
    ...["-allowEnv=C", "-allowNet=example.org:443", "-allowListen=127.0.0.1:80"],
    ...["-httpProxy=env", "-sandbox"],
  );
  assert.deepEqual(grantsOf(flags, io), {
    folders: [{ host: "data", guest: "/d" }],
    variables: [{ name: "A", value: "é" }, { name: "B", value: undefined }],
    allowRead: ["a", "b"],
    allowWrite: [],
    allowEnv: ["C"],
    allowNet: ["example.org:443"],
    allowListen: ["127.0.0.1:80"],
    httpProxy: true,
    sandbox: true,
    ownFiles: [],
  });
});

Deno.test("grantsOf: own files are the module, the authorities, the certificate and its key", () => {
  const flags = flagsOf("-wasm=./é.wasm", "-ca=ca.pem", "-crt=/etc/a.crt", "-key=a.key");
  assert.deepEqual(grantsOf(flags, io).ownFiles, [
    "/home/zoé/é.wasm",
    "/home/zoé/ca.pem",
    "/etc/a.crt",
    "/home/zoé/a.key",
  ]);
});

Deno.test("limitsOf: cli makes one call, http as many as the flags say", () => {
  const { maxInstances, maxQueue, timeoutMs } = limitsOf(flagsOf("-mode=cli", "-timeout=2s"));
  assert.deepEqual({ maxInstances, maxQueue, timeoutMs }, {
    maxInstances: 1,
    maxQueue: 0,
    timeoutMs: 2000,
  });
  const flags = flagsOf(
    ...["-maxMemory=1MiB", "-timeout=1s", "-slice=3ms", "-httpTimeout=0", "-maxResponse=5"],
    ...["-maxInstances=7", "-maxQueue=0", "-maxTotalMemory=9MiB", "-threads=3"],
  );
  assert.deepEqual(limitsOf(flags), {
    maxMemoryBytes: 1024 ** 2,
    totalMemory: { maxBytes: 9 * 1024 ** 2, threads: 3 },
    timeoutMs: 1000,
    sliceMs: 3,
    httpTimeoutMs: 0,
    maxResponseBytes: 5,
    maxInstances: 7,
    maxQueue: 0,
  });
});
