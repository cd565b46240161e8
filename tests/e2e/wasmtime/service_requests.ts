import {
  bare,
  type Field,
  fieldNames,
  givenParts,
  type Kinds,
  methods,
  one,
  someFields,
  statuses,
  withBody,
} from "./requests.ts";

/** Returns the kinds for the service. @param authority a server for the requests of guests. */
export const serviceKinds = (authority: string): Kinds => ({
  reflect: (random) =>
    withBody(random, {
      method: one(random, methods),
      target: `/reflect${one(random, ["", "?a=b&c", "?%2f%zz"])}`,
      fields: someFields(random),
    }),
  bare: (random) =>
    bare(one(random, methods), one(random, ["/", "/reflect", "/none", "/%zz"]), someFields(random)),
  echo: (random) =>
    withBody(random, { method: one(random, ["POST", "PUT", "GET"]), target: "/echo" }),
  sink: (random) => withBody(random, { method: "POST", target: "/length" }),
  unread: (random) =>
    withBody(random, { method: "POST", target: "/path", size: one(random, [0, 5, 1000]) }),
  waits: (random) => bare("GET", one(random, ["/wait?5", "/waits?50", "/yield?100"])),
  status: (random) =>
    bare(one(random, ["GET", "HEAD", "POST"]), `/status?${one(random, statuses)}`),
  length: (random) =>
    bare(
      "GET",
      `/declared?${one(random, ["0", "5", "5000", "x", "-1", "5, 5"])}&${
        one(random, [0, 5, 6, 5000])
      }`,
    ),
  fields: (random) =>
    bare("GET", `/fields?${one(random, ["set", "append", "delete", "list"])}`, [
      ...Array.from({ length: 1 + random(3) }, (): Field => ["x-name", one(random, fieldNames)]),
      ...Array.from(
        { length: random(4) },
        (): Field => ["x-value", one(random, ["v", "", "\xff", "a\tb", "w, x"])],
      ),
    ]),
  invalid: (random) =>
    bare(
      "GET",
      "/invalid",
      Array.from({ length: 4 }, (): Field => ["x-given", one(random, givenParts)]),
    ),
  immutable: () => bare("GET", "/immutable"),
  trailers: (random) =>
    withBody(random, {
      method: "POST",
      target: one(random, ["/trailers", "/reflect", "/echo"]),
      fields: [["TE", "trailers"]],
      size: one(random, [0, 10]),
      trailers: [["X-Trailer", "1"]],
    }),
  fail: (random) => bare("GET", one(random, ["/trap", "/error", "/trap-later"])),
  aborted: (random) => {
    const target = one(random, ["/echo", "/length"]);
    const request = withBody(random, { method: "POST", target, size: 300_000 });
    const kept = 1 + random(request.pieces.length);
    return { ...request, pieces: request.pieces.slice(0, kept), isAborted: true };
  },
  outgoing: (random) =>
    withBody(random, {
      method: "POST",
      target: `/fetch?${authority}`,
      fields: [["x-path", one(random, ["/", "/%zz", "?q", "/status/404", "/status/204", "/a b"])]],
      // wasmtime cuts larger ones that a guest passes on from its client.
      size: one(random, [0, 10]),
    }),
});
