import assert from "node:assert/strict";
import { refusedRequests } from "../proxy/http1/refused_requests.ts";
import { Peer, RawServer } from "../proxy/peers.ts";
import { startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

Deno.test("proxy: the program refuses ambiguous requests to functions and to the admin interface", async (test) => {
  await inFolder(async (folder) => {
    using upstream = new RawServer();
    await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: ${upstream.url}\n`);
    const args = ["-mode=reverse-proxy", `-config=${folder}/config.yaml`, "-backend=memory"];
    await using proxy = await startCapsule(args);
    const port = Number(new URL(proxy.url).port);
    const good = "GET /functions/f?good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (const path of ["/functions/f", "/memory/functions/registration"]) {
      await test.step(path, async () => {
        for (const [what, request, status = 400] of refusedRequests) {
          using client = await Peer.connect(port);
          await client.send(request.replaceAll("/functions/f", path) + good).catch(() => {});
          const answers = (await client.toEnd()).match(/^HTTP\/1\.1 \d+/gm);
          assert.deepEqual(answers, [`HTTP/1.1 ${status}`], what);
        }
      });
    }
    using client = await Peer.connect(port);
    await client.send(good);
    const peer = await upstream.accept();
    assert.match(
      await peer.until("\r\n"),
      /^GET \/\?good /,
      "the first that arrives is the first good one",
    );
  });
});
