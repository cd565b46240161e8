import { randomFrom } from "../../prepare/mutate.ts";
import type { RawRequest } from "./raw_exchange.ts";

/** Returns an integer from 0 to below its argument. */
export type Random = (below: number) => number;
/** A header field; every character of its parts is one byte. */
export type Field = readonly [name: string, value: string];

export const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE", "get"];
const names = [
  "x-a",
  "X-B",
  "te",
  "Keep-Alive",
  "Upgrade",
  "accept",
  "cookie",
  "x-bytes",
  "X-a",
  "content-type",
  "x-empty",
];
const values = ["", "1", "a b", "é".repeat(3), "\xff\xfe", "x".repeat(2000), "1, 2", '"q"', "a\tb"];
const sizes = [0, 1, 10, 4096, 65_535, 65_536, 65_537, 300_000];

/** Makes a request: its method, target, fields, body and what becomes of it are random. */
export type Kind = (random: Random) => Omit<RawRequest, "title">;

/** Returns a random element. */
export const one = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;

/** Returns some header fields, several with one name. */
export const someFields = (random: Random): Field[] =>
  Array.from({ length: random(6) }, () => [one(random, names), one(random, values)]);

/** Returns bytes of every value. */
function bytesOf(random: Random, size: number): string {
  const seed = random(256);
  return Array.from({ length: size }, (_, at) => String.fromCharCode((seed + at * 7) & 255)).join(
    "",
  );
}

/** Returns a request with a body that has a length, is in chunks, or is missing. */
export function withBody(
  random: Random,
  { method, target, fields = [], size = one(random, sizes), trailers = [] }: {
    method: string;
    target: string;
    fields?: readonly Field[];
    size?: number;
    trailers?: readonly Field[];
  },
): Omit<RawRequest, "title"> {
  const body = bytesOf(random, size);
  const isChunked = trailers.length > 0 || random(2) === 0;
  const framing: Field[] = isChunked
    ? [["Transfer-Encoding", "chunked"]]
    : size === 0 && random(2) === 0
    ? []
    : [["Content-Length", `${size}`]];
  const host: Field = ["Host", one(random, ["example.org", "127.0.0.1:8080", "[::1]:80", "A.b"])];
  const close: Field[] = random(2) === 0 ? [["Connection", "close"]] : [];
  const head = [host, ...fields, ...framing, ...close].map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  const pieces = [`${method} ${target} HTTP/1.1\r\n${head.join("")}\r\n`];
  if (!isChunked) return { method, pieces: [...pieces, body] };
  const step = one(random, [100, 5000, 70_000]);
  for (let at = 0; at < size; at += step) {
    const chunk = body.slice(at, at + step);
    pieces.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  }
  const end = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return { method, pieces: [...pieces, `0\r\n${end}\r\n`] };
}

/** Returns a request without a body. */
export function bare(
  method: string,
  target: string,
  fields: readonly Field[] = [],
): Omit<RawRequest, "title"> {
  const head = [["Host", "example.org"], ...fields].map(([name, value]) => `${name}: ${value}\r\n`);
  return { method, pieces: [`${method} ${target} HTTP/1.1\r\n${head.join("")}\r\n`] };
}

/** Kinds of requests by name. */
export type Kinds = Readonly<Record<string, Kind>>;

const targets = ["/", "/reflect", "/reflect/a/../b", "/reflect?a=b&c", "/reflect/%2f%zz", "/r//x?"];
/** Names of fields, of which a guest may not set some. */
export const fieldNames = [
  "x-ok",
  "connection",
  "Host",
  "transfer-encoding",
  "keep-alive",
  "upgrade",
  "b ad",
  "",
  "X-Upper",
  "proxy-authorization",
  "te",
  "trailer",
  "content-length",
  "é",
];
/** Methods, paths, authorities and schemes, of which some are invalid. */
export const givenParts = [
  "a",
  "",
  "a b",
  "/p?q",
  "host:80",
  "host:",
  "u@host",
  "h:99999",
  "[::1]:1",
  "\xc3\xa9",
  "1x",
  "a+b",
  "/%zz",
  "?x",
  "/a#b",
  "*",
  "GET",
];
/** Status codes, of which some are invalid. */
export const statuses = [
  0,
  99,
  100,
  101,
  103,
  199,
  200,
  201,
  204,
  205,
  206,
  301,
  304,
  404,
  418,
  500,
  599,
  600,
  999,
  1000,
  65535,
];
const failures = [
  "trap",
  "error",
  "internal",
  "never",
  "no-finish",
  "leak",
  "trap-body",
  "trap-set",
  "stream-alive",
  "headers-alive",
  "body-unfinished-request",
  "trailers-alive",
];

const kinds: Kinds = {
  reflect: (random) =>
    withBody(random, {
      method: one(random, methods),
      target: one(random, targets),
      fields: someFields(random),
    }),
  bare: (random) => bare(one(random, methods), one(random, targets), someFields(random)),
  echo: (random) =>
    withBody(random, { method: one(random, ["POST", "PUT", "GET"]), target: "/echo" }),
  sink: (random) => withBody(random, { method: "POST", target: "/sink" }),
  early: (random) => withBody(random, { method: "POST", target: "/early" }),
  unread: (random) =>
    withBody(random, { method: "POST", target: "/unread", size: one(random, [0, 5, 1000]) }),
  source: (random) =>
    bare(
      one(random, ["GET", "HEAD"]),
      `/source?bytes=${one(random, [0, 1, 65_536, 500_000])}&chunk=${one(random, [1000, 65_536])}`,
    ),
  length: (random) =>
    bare(
      "GET",
      `/length?declared=${one(random, ["0", "5", "5000", "x", "-1", "5, 5"])}&written=${
        one(random, [0, 5, 6, 5000])
      }`,
    ),
  status: (random) =>
    bare(
      one(random, ["GET", "HEAD", "POST"]),
      `/status?code=${one(random, statuses)}${one(random, ["", "&body=text"])}`,
    ),
  fields: (random) =>
    bare("GET", `/fields?do=${one(random, ["set", "append", "delete", "list"])}`, [
      ...Array.from({ length: 1 + random(3) }, (): Field => ["x-name", one(random, fieldNames)]),
      ...Array.from(
        { length: random(4) },
        (): Field => ["x-value", one(random, ["v", "", "\xff", "a\tb", "w, x"])],
      ),
    ]),
  immutable: () => bare("GET", "/immutable"),
  invalid: (random) =>
    bare(
      "GET",
      "/invalid",
      Array.from({ length: 4 }, (): Field => [
        "x-given",
        one(random, givenParts),
      ]),
    ),
  trailers: (random) =>
    withBody(random, {
      method: "POST",
      target: "/trailers",
      fields: [["TE", "trailers"]],
      size: one(random, [0, 10]),
      trailers: [["X-Trailer", "1"]],
    }),
  fail: (random) =>
    bare("GET", `/fail?how=${one(random, failures)}&bytes=${one(random, [0, 10, 200_000])}`),
  aborted: (random) => {
    const request = withBody(random, {
      method: "POST",
      target: one(random, ["/echo", "/sink", "/early"]),
      size: 300_000,
    });
    const kept = 1 + random(request.pieces.length);
    return { ...request, pieces: request.pieces.slice(0, kept), isAborted: true };
  },
};

/** Makes a request whose guest sends one, with the same body, to a server. */
const outgoing = (authority: string): Kind => (random) => {
  const path = one(random, ["/", "/a/../b?c=d", "/%zz", "?q", "/status/404", "/status/204"]);
  return withBody(random, {
    method: one(random, ["POST", "PUT", "PATCH", "DELETE"]),
    target: `/outgoing?to=${authority}&path=${path.replaceAll("&", "")}`,
    fields: [["x-send-x-a", one(random, ["1", "a b", "\xff"])], ["x-send-X-A", "2"]],
    size: one(random, [0, 10, 70_000]),
  });
};

/** Returns the kinds for `reflect`. @param authority a server for the requests of guests. */
export const reflectKinds = (authority: string): Kinds => ({
  ...kinds,
  outgoing: outgoing(authority),
});

/** Returns requests of every kind, the same for the same seed. */
export function requestsFrom(
  kinds: Kinds,
  { seed, count }: { seed: number; count: number },
): RawRequest[] {
  const random = randomFrom(seed);
  const all = Object.entries(kinds);
  return Array.from({ length: count }, (_, index) => {
    const [name, make] = all[index % all.length] ?? ["", () => bare("GET", "/")];
    const request = make(random);
    const head = (request.pieces[0] ?? "").slice(0, 300);
    return { ...request, title: `${index} ${name}: ${JSON.stringify(head)}` };
  });
}
