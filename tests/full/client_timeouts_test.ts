import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { connect, type RawConnection } from "../server/raw_connection.ts";

const hello = fileURLToPath(new URL("../../examples/hello-http/hello.wasm", import.meta.url));
const ignore = !Deno.env.has("CAPSULE_TEST_FULL");

async function untilClosed(connection: RawConnection): Promise<string> {
  await connection.closed();
  return "closed";
}

/** The upper bound is well above the 10 s of a head and below the 75 s of an idle connection. */
async function assertCloses(port: number, sent: string): Promise<void> {
  using connection = await connect(port);
  await connection.send(sent);
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("still open after 60 s"), 60_000);
  try {
    assert.equal(
      await Promise.race([untilClosed(connection), late.promise]),
      "closed",
    );
  } finally {
    clearTimeout(timer);
  }
}

const post = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc`;

const modes: [name: string, args: (folder: string) => string[]][] = [
  ["http", () => ["-mode=http", `-wasm=${hello}`]],
  ["registry", (folder) => ["-mode=registry", `-files=${folder}/files`]],
  ["worker", (folder) => ["-mode=worker", `-data=${folder}/data`]],
  ["reverse-proxy", () => ["-mode=reverse-proxy", "-backend=memory"]],
];
for (const [name, args] of modes) {
  Deno.test(
    `${name}: closes a connection that never finishes its request`,
    { ignore },
    () =>
      inFolder(async (folder) => {
        await using server = await startCapsule(args(folder));
        const port = Number(new URL(server.url).port);
        await Promise.all([
          // The proxy closes an idle connection after 75 s.
          ...name === "reverse-proxy" ? [] : [assertCloses(port, "")],
          assertCloses(port, "GET / HTTP/1.1\r\nHos"),
          assertCloses(port, post("/functions/deploy")),
          assertCloses(port, post("/health")),
        ]);
      }),
  );
}
