/**
 * `deno run -A bare.ts PORT`: the base line. It does the HTTP work of a launcher (reads every
 * request header and the body, responds with two headers) and calls no function.
 */

/** The response of `examples/hello-http`; header values are byte strings (Latin-1). */
const headers = {
  "Content-Type": "application/json; charset=utf-8",
  "Message": String.fromCharCode(...new TextEncoder().encode("👋 hello world 🌍")),
};
const answer = `{"message": "hey people!"}`;

/** Uses what is read, so that V8 cannot drop the reads. */
export let received = 0;

function readHeaders(request: Request): void {
  let list = "";
  request.headers.forEach((value, name) => list += `${name}:${value}|`);
  received += list.length;
}

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, (request) => {
  readHeaders(request);
  if (request.method === "GET") return new Response(answer, { headers });
  return request.arrayBuffer().then((body) => {
    received += body.byteLength;
    return new Response(answer, { headers });
  });
});
