import assert from "node:assert/strict";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { Peer, RawServer } from "../peers.ts";
import { startProxy } from "../start_proxy.ts";

/** The number of damaged requests; `CAPSULE_FUZZ_RUNS` for more. */
const runs = Number(Deno.env.get("CAPSULE_FUZZ_RUNS") ?? 300);

const hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
/** Insertions that two parsers may read differently. */
const pieces = [
  ..."\r\n \t\0:,;05xX\x0b\x7f\xff/#".split(""),
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "chunked",
  "HTTP/1.0",
  "http://y",
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
  `POST http://y/functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  `GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n`,
  `POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  `POST /functions/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\nX-Trailer: 1\r\n\r\n`,
  `PUT /functions/f/default/a?b HTTP/1.1\r\nX-First: 1\r\nHost: x\r\nContent-Length: 5\r\nX-Last: 2\r\n\r\nhello`,
];

/** A position from 0 to below 1, an insertion, and the number of characters it replaces. */
const damageBy = (those: readonly string[]): fc.Arbitrary<Damage> =>
  fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    piece: fc.constantFrom(...those),
    instead: fc.nat({ max: 3 }),
  });

interface Damage {
  readonly at: number;
  readonly piece: string;
  readonly instead: number;
}

function damaged(text: string, damages: readonly Damage[]): string {
  return damages.reduce((whole, { at, piece, instead }) => {
    const place = Math.floor(at * (whole.length + 1));
    return whole.slice(0, place) + piece + whole.slice(place + instead);
  }, text);
}

Deno.test("fuzz: of any damaged request, an upstream reads only requests that the proxy sent", async () => {
  const smuggled: string[] = [];
  const isOurs = ({ headersDistinct }: IncomingMessage) =>
    headersDistinct.via?.at(-1)?.endsWith("capsule") &&
    headersDistinct["x-forwarded-for"]?.length === 1;
  // Another parser.
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
      const received = await client.toEnd();
      assert.deepEqual(smuggled, [], JSON.stringify(text));
      assert.match(received, /^(?:HTTP\/1\.1 \d{3} |$)/, JSON.stringify(text));
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.array(damageBy(pieces), { minLength: 1, maxLength: 4 }),
        async (request, damages) => {
          await send(damaged(request, damages));
        },
      ),
      { numRuns: runs },
    );
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const evil = "HTTP/1.1 200 OK\r\nX-Asked: evil\r\nContent-Length: 4\r\n\r\nevil";
const answerPieces = [
  ...pieces.filter((piece) => piece !== hidden),
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  "HTTP/1.1 204 No Content\r\n\r\n",
  evil,
];
const answers = [
  `HTTP/1.1 200 OK\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${
    evil.length.toString(16)
  }\r\n${evil}\r\n0\r\n\r\n`,
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
];

Deno.test("fuzz: after any response, the next request gets its own response or none", async () => {
  let damage = "";
  using upstream = new RawServer();
  upstream.serve((head) => {
    const asked = /^GET \/(\w+) /.exec(head)?.[1];
    return asked === "damaged"
      ? damage
      : `HTTP/1.1 200 OK\r\nX-Asked: ${asked}\r\nContent-Length: 2\r\n\r\nok`;
  });
  await using proxy = startProxy({ f: { default: [upstream.url] } }, {
    timeouts: { firstByteMs: 200, idleMs: 200 },
    rules: { maxFails: 0, failTimeoutMs: 1000 },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "HEAD"),
      fc.constantFrom(...answers),
      fc.array(damageBy(answerPieces), { maxLength: 4 }),
      async (method, answer, damages) => {
        damage = damaged(answer, damages);
        // One connection to another parser.
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          await ask(agent, proxy.port, method, "damaged");
          for (const next of ["one", "two"]) {
            const asked = await ask(agent, proxy.port, "GET", next);
            assert.ok(
              asked === undefined || asked === next,
              `${next} got ${asked} after ${JSON.stringify(damage)}`,
            );
          }
        } finally {
          agent.destroy();
        }
      },
    ),
    {
      numRuns: runs,
      examples: [
        ["HEAD", answers[0] ?? "", []],
        ["GET", answers[0] ?? "", [{ at: 0.9999, piece: evil, instead: 0 }]],
        ["GET", answers[2] ?? "", [{ at: 0.9999, piece: evil, instead: 0 }]],
      ],
    },
  );
});

/** Returns the request that a response of 200 echoes; undefined for other responses. */
function ask(
  agent: Agent,
  port: number,
  method: string,
  what: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const path = `/functions/f/default/${what}`;
    const asking = request({ agent, host: "127.0.0.1", port, method, path }, (answer) => {
      const asked = answer.statusCode === 200 ? String(answer.headers["x-asked"]) : undefined;
      answer.resume();
      answer.on("error", () => {});
      answer.on("close", () => resolve(asked));
    });
    asking.on("error", () => resolve(undefined));
    asking.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    asking.end();
  });
}
