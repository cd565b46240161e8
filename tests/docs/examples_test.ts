import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { builtComponentTest } from "../testing/built_components.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { readBlocks, type ReadmeBlock, runBlocks, type Surroundings } from "./readme_blocks.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Returns the commands of an example's README except those that build it. */
async function commandsOf(name: string): Promise<ReadmeBlock[]> {
  return readBlocks(await Deno.readTextFile(`${examples}${name}/README.md`))
    .filter(({ language }) => language === "sh")
    .map((block) => ({
      ...block,
      text: block.text.replaceAll(
        /^(?:tinygo build|go tool|rustup|cargo|cp|npm|npx|pip|componentize-py) .*\n/gm,
        "",
      ),
    }));
}

/** Runs the commands of an example, checks their output, and returns that of the last one. */
async function printed(
  name: string,
  surroundings: Omit<Surroundings, "below"> = {},
): Promise<string> {
  const below = `examples/${name}`;
  const ran = await runBlocks(await commandsOf(name), { ...surroundings, below });
  for (const { text, stdout, expected } of ran) {
    if (expected !== undefined) assert.equal(stdout, expected, text);
  }
  return ran.at(-1)?.stdout ?? "";
}

/** Examples that use the network. */
const special = ["redis", "couchbase", "http-get", "http-post", "platform"];
/** Examples whose components are not committed. */
const built = ["component-javascript", "component-python"];

for (const { name, isDirectory } of Deno.readDirSync(examples)) {
  if (!isDirectory || [...special, ...built].includes(name)) continue;
  Deno.test(`examples/${name}/README.md: its commands print what it shows`, async () => {
    await printed(name);
  });
}

for (const name of built) {
  builtComponentTest(
    `examples/${name}/README.md: its commands print what it shows`,
    async (folder) => {
      await printed(name, { files: [`${folder}/${name.replace("-", "_")}.wasm`] });
    },
  );
}

redisTest(
  "examples/redis/README.md: its commands run against a real Redis",
  async () => {
    await using server = await RedisServer.start();
    await printed("redis", { elsewhere: { "localhost:6379": server.address } });
    assert.equal(await server.command("GET", "greetings"), "Hello World");
  },
);

Deno.test("examples/couchbase/README.md: its commands run against a double of Couchbase", async () => {
  await using server = new CouchbaseDouble({
    user: "admin",
    password: "ilovepandas",
    bucket: "wasm-data",
  });
  assert.equal(
    await printed("couchbase", {
      elsewhere: { "couchbase://localhost": server.connectionString },
    }),
    "[]\n",
  );
});

Deno.test("examples/http-get and http-post: their commands run against a local server", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ method }) => new Response(`asked by ${method}`),
  );
  const elsewhere = { "https://httpbin.org": `http://127.0.0.1:${server.addr.port}` };
  assert.match(await printed("http-get", { elsewhere }), /asked by GET/);
  assert.match(await printed("http-post", { elsewhere }), /asked by POST/);
});

Deno.test("examples/platform/README.md: its commands start a platform", async () => {
  const answers = await printed("platform");
  assert.match(answers, /📝 you sent: Bob/);
  assert.match(answers, /<title>Wasm is fantastic 😍<\/title>/);
  assert.match(answers, /hey people!/);
});
