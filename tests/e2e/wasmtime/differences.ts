import type { RawRequest, RawResponse } from "./raw_exchange.ts";

/** Something that may differ between two hosts. */
interface Difference {
  readonly reason: string;
  /** The requests that it concerns, by their titles; by default all. */
  readonly of?: RegExp;
  /** Returns the response without the difference. */
  readonly change: (response: RawResponse) => RawResponse;
}

/** Drops header fields. */
const without = (...names: string[]): Difference["change"] => (response) => ({
  ...response,
  headers: response.headers.filter(([name]) => !names.includes(name)),
});

const changeBody = (change: (body: string) => string): Difference["change"] => (response) => ({
  ...response,
  body: change(response.body),
});

/** Sorts the fields that `reflect` lists by name; repeated ones keep their order. */
function sortFields(body: string): string {
  const lines = body.split("\n");
  const nameOf = (line: string) => line.split(" ")[1] ?? "";
  const fields = lines.filter((line) => line.startsWith("header "))
    .toSorted((one, other) => nameOf(one) < nameOf(other) ? -1 : +(nameOf(one) > nameOf(other)));
  return lines.map((line) => line.startsWith("header ") ? fields.shift() : line).join("\n");
}

const failed: RawResponse = { status: 0, headers: [], body: "", trailers: [], end: "none" };
/** The bodies of the hosts' own responses. */
const hostBody = /^$|<hr>\n +wasmtime|^\{"code":"(?:TRAP|BAD_ANSWER|NO_RESPONSE)"/;

/** What the service shows of a path that does not begin with `/` or `?`. */
const relativePath =
  /^("[^"/?][^"]*" method \S+) path \S+ (.*)\n(Method::\w+(?:\(".*?"\))?) (?:None|Some\(".*?"\)) /gm;

/** All that may differ, in the order in which it is removed. */
export const differences: readonly Difference[] = [
  { reason: "RFC 9110 § 6.6.1: Date is the time of the response", change: without("date") },
  {
    reason: "RFC 9112 § 9: either side may close a connection after a response",
    change: without("connection", "keep-alive"),
  },
  {
    reason: "RFC 9112 § 6: a host that has the whole body sends its length, another one chunks",
    change: without("transfer-encoding", "content-length"),
  },
  {
    reason: "RFC 9110 § 5.3: the order of fields with different names has no meaning",
    change: changeBody(sortFields),
  },
  {
    reason: "RFC 9110 § 6.6.1: Date is the time of the response that a guest received",
    of: /^\d+ outgoing/,
    change: changeBody((body) => body.replace(/header date ".*"\n/, "")),
  },
  {
    reason: "RFC 3986 § 3.1: a scheme begins with a letter, which wasmtime does not require",
    of: /^\d+ invalid/,
    change: changeBody((body) => body.replace(/("(?:1x)?" method \S+ scheme) \S+/g, "$1")),
  },
  {
    reason:
      "RFC 9110 § 6.5.1: trailers may be dropped; wasmtime drops those that are not announced",
    change: (response) =>
      response.headers.some(([name]) => name === "trailer")
        ? response
        : { ...response, trailers: [] },
  },
  {
    reason: "RFC 9110 § 7.1: the target has scheme and authority; wasmtime has none in WASI 0.3",
    of: /^\d+ (?:reflect|bare|trailers): "\S+ \/reflect/,
    change: changeBody((body) => body.replace(/^(?:scheme|authority) (?:None|Some.*)\n/gm, "")),
  },
  {
    reason: "RFC 3986 § 3.1, as above, in the form of the service",
    of: /^\d+ invalid/,
    change: changeBody((body) => body.replace(/^("(?:1x)?" method .*\n.*\nscheme) \S+/gm, "$1")),
  },
  {
    reason: "the public WASI suite sets relative paths, which wasmtime refuses",
    of: /^\d+ invalid/,
    change: changeBody((body) => body.replace(relativePath, "$1 $2\n$3 ")),
  },
  {
    reason: "a call that failed has no response of the guest; a host sends its own, or closes",
    change: (response) => {
      const isOwn = response.status >= 500 && hostBody.test(response.body);
      return isOwn || response.end !== "complete" ? failed : response;
    },
  },
  {
    reason: "RFC 9112 § 3: a request line that is invalid has no response of the guest",
    of: /^\d+ length/,
    change: (response) => response.status === 400 ? failed : response,
  },
  {
    reason: "RFC 9110 § 15: a status is from 100 to 599; Capsule sends no other",
    of: /^\d+ status:.*code=(?:6|9)\d\d\b/,
    change: () => failed,
  },
  {
    reason: "wasi:http: a body that is longer than its Content-Length fails; wasmtime sends a part",
    of: /^\d+ length:.*declared=(?:0&written=[1-9]|5&written=(?:6|5000))/,
    change: () => failed,
  },
  {
    reason: "RFC 9110 § 5.3: the values of a field in one line; wasmtime joins those of Trailer",
    of: /^\d+ fields/,
    change: (response) => ({
      ...response,
      headers: [...Map.groupBy(response.headers, ([name]) => name)]
        .map(([name, all]) => [name, all.map(([, value]) => value).join(", ").trimEnd()]),
    }),
  },
  {
    reason: "wasi:http: a body that was not finished is incomplete; wasmtime ends some of them",
    of: /trap-later|how=(?:leak|trap-body|trap-set|stream-alive)/,
    change: () => failed,
  },
];

/** Returns a response without what may differ. */
export function withoutDifferences(request: RawRequest, response: RawResponse): RawResponse {
  return differences
    .filter(({ of }) => of?.test(request.title) ?? true)
    .reduce((before, { change }) => change(before), response);
}
