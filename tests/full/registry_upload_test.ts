import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";

Deno.test("registry: the process grows by less than 60 MB during an upload of 300 MB", {
  ignore: !Deno.env.get("CAPSULE_TEST_FULL") || Deno.build.os !== "linux",
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-upload-" });
  try {
    const module = new Uint8Array(300_000_000);
    const size = module.length - 14;
    module.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0]);
    module.set([0, 7, 14, 21].map((shift) => ((size >> shift) & 127) | 128), 9);
    module[13] = size >> 28;
    await Deno.writeFile(`${folder}/big.wasm`, module);
    await using server = await startCapsule([
      "-mode=registry",
      `-files=${folder}/m`,
      "-maxUpload=400MiB",
    ]);
    const kibibytes = (name: string) =>
      Number(
        new RegExp(`${name}:\\s+(\\d+)`).exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))
          ?.[1],
      );
    const upload = async (file: string, tag: number) => {
      const args = ["-s", "-F", `file=@${file}`, `${server.url}/upload/k33g/big/${tag}`];
      const { stdout } = await new Deno.Command("curl", { args }).output();
      return JSON.parse(new TextDecoder().decode(stdout)).code;
    };
    // The first upload loads code; only the second is measured.
    const small = new URL("../../examples/hello-cli/hello.wasm", import.meta.url).pathname;
    assert.equal(await upload(small, 1), "OK");
    const before = kibibytes("VmRSS");
    assert.equal(await upload(`${folder}/big.wasm`, 2), "OK");
    const grown = (kibibytes("VmHWM") - before) * 1024;
    assert(grown < 60_000_000, `${grown} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
