import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";

Deno.test(
  "a server that may open no more files says which limit it met, and serves again when there are some",
  { ignore: Deno.build.os === "windows" },
  async () => {
    const files = await Deno.makeTempDir({ prefix: "capsule-files-" });
    const connections: Deno.Conn[] = [];
    try {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`], {
        under: ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"],
      });
      const { hostname, port } = new URL(server.url);
      const told = server.stderr.line((line) =>
        line.includes(
          `no connection is accepted on ${hostname}:${port}: too many open files ` +
            "(raise the limit for this program: ulimit -Hn, LimitNOFILE=)",
        )
      );
      const fill = async () => {
        try {
          while (connections.length < 1000) {
            connections.push(await Deno.connect({ hostname, port: Number(port) }));
          }
        } catch {
          // It does not listen at this moment.
        }
      };
      await fill();
      // An older Deno says why only once its connections are closed.
      for (const connection of connections.splice(0)) connection.close();
      await told;
      let status: number | undefined;
      for (let tries = 0; status === undefined && tries < 1000; tries++) {
        status = await fetch(server.url).then(async (response) => {
          await response.body?.cancel();
          return response.status;
        }, () => new Promise<undefined>((resolve) => setTimeout(resolve, 10, undefined)));
      }
      assert.equal(status, 200);
      await fill();
      assert.equal((await server.stop()).code, 0, "it ends while it listens for nobody, too");
    } finally {
      for (const connection of connections) connection.close();
      await Deno.remove(files, { recursive: true });
    }
  },
);
