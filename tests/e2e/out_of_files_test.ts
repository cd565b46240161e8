import assert from "node:assert/strict";
import { RawServer } from "../proxy/peers.ts";
import { startCapsule } from "../testing/capsule.ts";

const fewFiles = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"];

Deno.test(
  "files: a server at its limit names the limit, and serves again later",
  { ignore: Deno.build.os === "windows" },
  async () => {
    const files = await Deno.makeTempDir({ prefix: "capsule-files-" });
    const connections: Deno.Conn[] = [];
    try {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`], {
        under: fewFiles,
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
          // Fewer than the backlog: connections wait there until the server accepts again.
          while (connections.length < 200) {
            connections.push(await Deno.connect({ hostname, port: Number(port) }));
          }
        } catch {
          // The backlog is full.
        }
      };
      await fill();
      await told;
      for (const connection of connections.splice(0)) connection.close();
      let status: number | undefined;
      for (let tries = 0; status === undefined && tries < 1000; tries++) {
        status = await fetch(server.url).then(async (response) => {
          await response.body?.cancel();
          return response.status;
        }, () => new Promise<undefined>((resolve) => setTimeout(resolve, 10, undefined)));
      }
      assert.equal(status, 200);
      await fill();
      assert.equal((await server.stop()).code, 0, "it also stops while it does not listen");
    } finally {
      for (const connection of connections) connection.close();
      await Deno.remove(files, { recursive: true });
    }
  },
);

Deno.test(
  "files: idle connections to a proxy keep no client out and blame no upstream",
  { ignore: Deno.build.os === "windows" },
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "capsule-files-" });
    const idle: Deno.Conn[] = [];
    try {
      using upstream = new RawServer();
      // Each request also needs its own connection to the upstream.
      upstream.serve(() => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
      await Deno.writeTextFile(`${folder}/config.yaml`, `f:\n  default: ${upstream.url}\n`);
      await using proxy = await startCapsule([
        "-mode=reverse-proxy",
        `-config=${folder}/config.yaml`,
      ], {
        under: fewFiles,
      });
      const { hostname, port } = new URL(proxy.url);
      for (let held = 0; held < 120; held++) {
        idle.push(await Deno.connect({ hostname, port: Number(port) }));
        const response = await fetch(`${proxy.url}/functions/f`, {
          headers: { connection: "close" },
        });
        assert.equal(
          `${response.status} ${await response.text()}`,
          "200 ok",
          `beside ${idle.length}`,
        );
      }
      assert.equal((await proxy.stop()).code, 0);
      const told = proxy.stderr.text.split("\n").filter((line) => line.includes('"warn'));
      assert.ok(told.length > 0);
      for (const line of told) {
        assert.match(line, /cannot accept a connection: too many open files \(raise/);
      }
    } finally {
      for (const connection of idle) connection.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
