import assert from "node:assert/strict";
import { form, pathsBelow, sha256, wasm } from "../registry/test_registry.ts";
import { capsuleCommand, type Running, startCapsule } from "../testing/capsule.ts";

/** The states of a tag that are valid after a kill: digests, and whether it may be missing. */
interface Allowed {
  readonly digests: Set<string>;
  missing: boolean;
}

/** Uploads, pushes and removals, recorded before each begins and after its response. */
class Changes {
  readonly tags = new Map<string, Allowed>();
  interrupted = 0;
  #next = 0;

  /** Makes one change: of a new tag, or the removal of an existing one. */
  async change(server: Running): Promise<void> {
    const turn = this.#next++;
    const kind = turn % 4;
    const old = kind === 3 ? this.#settled() : undefined;
    try {
      if (old !== undefined) await this.#remove(server, old);
      else await this.#add(server, `t${turn}`, kind === 2);
    } catch {
      this.interrupted++;
    }
  }

  /** Returns a tag that exists and that no other change uses. */
  #settled(): string | undefined {
    return this.tags.entries().find(([, { digests, missing }]) => digests.size === 1 && !missing)
      ?.[0];
  }

  async #remove(server: Running, tag: string): Promise<void> {
    const allowed = this.#tag(tag);
    allowed.missing = true;
    const response = await fetch(`${server.url}/k33g/hola/${tag}`, { method: "DELETE" });
    await response.body?.cancel();
    assert.equal(response.status, 200);
    allowed.digests.clear();
  }

  async #add(server: Running, tag: string, byOci: boolean): Promise<void> {
    const module = wasm(`module ${tag}`, 5000 + 400 * (this.#next % 50));
    const allowed = this.#tag(tag);
    allowed.digests.add(sha256(module));
    if (byOci) await pushByOci(server, tag, module);
    else {
      const response = await fetch(`${server.url}/upload/k33g/hola/${tag}`, {
        method: "POST",
        body: form(module, `info ${tag}`),
      });
      await response.body?.cancel();
      assert.equal(response.status, 200);
    }
    allowed.missing = false;
  }

  #tag(tag: string): Allowed {
    const known = this.tags.get(tag) ?? { digests: new Set<string>(), missing: true };
    this.tags.set(tag, known);
    return known;
  }
}

async function pushByOci(
  { url }: Running,
  tag: string,
  module: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const base = `${url}/v2/k33g/hola`;
  const config = new TextEncoder().encode(`{"tag":"${tag}"}`);
  for (const blob of [module, config]) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    await begun.body?.cancel();
    const to = `${url}${begun.headers.get("location")}?digest=${sha256(blob)}`;
    const put = await fetch(to, { method: "PUT", body: blob });
    await put.body?.cancel();
    assert.equal(put.status, 201);
  }
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: {
      mediaType: "application/vnd.wasm.config.v0+json",
      digest: sha256(config),
      size: config.length,
    },
    layers: [{ mediaType: "application/wasm", digest: sha256(module), size: module.length }],
    annotations: { "org.opencontainers.image.description": `info ${tag}` },
  });
  const put = await fetch(`${base}/manifests/${tag}`, { method: "PUT", body: manifest });
  await put.body?.cancel();
  assert.equal(put.status, 201);
}

/** Asserts that everything listed is intact in every interface, and that nothing else is stored. */
async function assertIntact(
  { url }: Running,
  files: string,
  tags: ReadonlyMap<string, Allowed>,
): Promise<void> {
  const list: { tag: string; digest: string; size: number }[] =
    await (await fetch(`${url}/modules`)).json();
  const there = new Map(list.map(({ tag, digest }) => [tag, digest]));
  for (const [tag, { digests, missing }] of tags) {
    const digest = there.get(tag);
    assert(digest === undefined ? missing : digests.has(digest), `${tag} holds ${digest}`);
  }
  for (const { tag, digest, size } of list) {
    assert(tags.has(tag), tag);
    const bytes = await Deno.readFile(`${files}/k33g/hola/${tag}/hola.wasm`);
    assert.deepEqual([sha256(bytes), bytes.length], [digest, size]);
    assert.equal(await Deno.readTextFile(`${files}/k33g/hola/${tag}/hola.info`), `info ${tag}\n`);
    const manifest = await fetch(`${url}/v2/k33g/hola/manifests/${tag}`);
    const { config, layers } = await manifest.json();
    for (const blob of [config, ...layers]) {
      const got = await fetch(`${url}/v2/k33g/hola/blobs/${blob.digest}`);
      assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), blob.digest);
    }
  }
  assert.equal((await pathsBelow(files)).length, 2 * list.length);
  assert.deepEqual(await pathsBelow(`${files}/.capsule/tmp`), []);
  for (const path of await pathsBelow(`${files}/.capsule/blobs`)) {
    const bytes = await Deno.readFile(`${files}/.capsule/blobs/${path}`);
    assert.equal(sha256(bytes).slice(7), path.split("/").at(-1));
  }
}

/** Starts a registry and kills it before, during or after its recovery from the last kill. */
async function killWhileStarting(files: string, afterMs: number): Promise<void> {
  const [program, ...first] = capsuleCommand();
  const args = [...first, "-mode=registry", `-files=${files}`, "-httpPort=0"];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await child.status;
  clearTimeout(timer);
}

const full = Deno.env.get("CAPSULE_TEST_FULL") !== undefined;
const rounds = full ? 10 : 5;
const changesPerRound = full ? 200 : 40;

Deno.test(`registry: has intact modules only after ${rounds} kills at random moments`, async () => {
  const files = await Deno.makeTempDir({ prefix: "capsule-crash-" });
  const changes = new Changes();
  const round = (server: Running) =>
    Array.from({ length: changesPerRound }, () => changes.change(server));
  try {
    // The duration of an undisturbed round: a kill may come at any moment of that.
    let wholeMs: number;
    let startMs = performance.now();
    {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`]);
      const begun = performance.now();
      startMs = begun - startMs;
      await Promise.all(round(server));
      wholeMs = performance.now() - begun;
      assert.equal(changes.interrupted, 0);
    }
    for (let turn = 0; turn < rounds; turn++) {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`]);
      await assertIntact(server, files, changes.tags);
      const running = round(server);
      const kill = () => server.kill("SIGKILL");
      const timer = setTimeout(kill, Math.random() * wholeMs);
      // One of the kills comes in the middle.
      if (turn === 0) Promise.race(running).then(kill);
      await Promise.all(running);
      clearTimeout(timer);
      await server.stop("SIGKILL");
      if (turn % 2 === 1) await killWhileStarting(files, Math.random() * startMs);
    }
    await using server = await startCapsule(["-mode=registry", `-files=${files}`]);
    await assertIntact(server, files, changes.tags);
    assert(changes.interrupted > 0, "nothing was interrupted: every kill came too late");
  } finally {
    await Deno.remove(files, { recursive: true });
  }
});
