import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";

Deno.test(
  "a server that may open no more files ends, and says which limit it met",
  { ignore: Deno.build.os === "windows" },
  async () => {
    const files = await Deno.makeTempDir({ prefix: "capsule-files-" });
    const connections: Deno.Conn[] = [];
    try {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`], {
        under: ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"],
      });
      const { hostname, port } = new URL(server.url);
      try {
        while (connections.length < 100) {
          connections.push(await Deno.connect({ hostname, port: Number(port) }));
        }
      } catch {
        // It has ended.
      }
      const { code } = await server.status;
      await server.stderr.done;
      assert.deepEqual([code, JSON.parse(server.stderr.text).message], [
        1,
        `cannot listen on ${hostname}:${port}: too many open files ` +
        "(raise the limit for this program: ulimit -Hn, LimitNOFILE=)",
      ]);
    } finally {
      for (const connection of connections) connection.close();
      await Deno.remove(files, { recursive: true });
    }
  },
);
