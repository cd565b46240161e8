/**
 * The server to compare with: it does with HTTP what a launcher has to do (reads every request header and the body, answers
 * with two headers) and calls nothing. `deno run -A bare.ts PORT`
 */

/** The answer of `examples/hello-http`, with the second header's UTF-8 bytes as Latin-1, as `Response` wants them. */
const headers = {
  "Content-Type": "application/json; charset=utf-8",
  "Message": String.fromCharCode(...new TextEncoder().encode("👋 hello world 🌍")),
};
const answer = `{"message": "hey people!"}`;

/** Makes sure that what is read is used. */
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
