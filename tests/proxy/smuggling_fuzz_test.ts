import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { Peer } from "./peers.ts";
import { startProxy } from "./start_proxy.ts";

/** How many damaged requests are sent; `CAPSULE_FUZZ_RUNS` for more. */
const runs = Number(Deno.env.get("CAPSULE_FUZZ_RUNS") ?? 300);

const hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
/** What is put into requests, in the hope that two readers differ about it. */
const pieces = [
  ..."\r\n \t\0:,;05xX\x0b\x7f\xff/#".split(""),
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "chunked",
  "HTTP/1.0",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "Host: y\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Content-Length : 5\r\n",
  "Content_Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding:\tchunked\r\n",
  "Transfer-Encoding: identity\r\n",
  " Transfer-Encoding: chunked\r\n",
  "Connection: content-length, transfer-encoding, host\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "Upgrade: websocket\r\nConnection: Upgrade\r\n",
  hidden,
];
const requests = [
  `GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n`,
  `POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  `POST /functions/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\nX-Trailer: 1\r\n\r\n`,
  `PUT /functions/f/default/a?b HTTP/1.1\r\nX-First: 1\r\nHost: x\r\nContent-Length: 5\r\nX-Last: 2\r\n\r\nhello`,
];

/** A place in the text, from 0 to below 1, what goes in there, and how many characters it takes the place of. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  piece: fc.constantFrom(...pieces),
  instead: fc.nat({ max: 3 }),
});

Deno.test("whatever is done to a request, an upstream reads in it no request but those that the proxy sent", async () => {
  const smuggled: string[] = [];
  const isOurs = ({ headersDistinct }: IncomingMessage) =>
    headersDistinct.via?.at(-1)?.endsWith("capsule") && headersDistinct["x-forwarded-for"]?.length === 1;
  // A parser that is not ours.
  const server = createServer((request, response) => {
    if (!isOurs(request)) smuggled.push(`${request.method} ${request.url}`);
    request.resume();
    request.on("end", () => response.end("ok"));
    request.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  {
    await using proxy = startProxy({ f: { default: [`http://127.0.0.1:${port}`] } }, {
      timeouts: { headMs: 100, bodyMs: 100, keepAliveMs: 100, firstByteMs: 500 },
      rules: { maxFails: 0, failTimeoutMs: 1000 },
    });
    const good = "GET /functions/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const send = async (text: string) => {
      using client = await Peer.connect(proxy.port);
      await client.send(text + good).catch(() => {});
      const heard = await client.toEnd();
      assert.deepEqual(smuggled, [], JSON.stringify(text));
      assert.match(heard, /^(?:HTTP\/1\.1 \d{3} |$)/, JSON.stringify(text));
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        async (request, damages) => {
          let text = request;
          for (const { at, piece, instead } of damages) {
            const place = Math.floor(at * text.length);
            text = text.slice(0, place) + piece + text.slice(place + instead);
          }
          await send(text);
        },
      ),
      { numRuns: runs },
    );
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
