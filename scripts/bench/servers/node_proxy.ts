/** A minimal proxy of `node:http` server and client: the cost of a library. */
import http from "node:http";

const [port = "", to = ""] = Deno.args;
const upstream = new URL(to);
const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((request, response) => {
  const { method, url } = request;
  const headers = request.rawHeaders as unknown as http.OutgoingHttpHeaders;
  const onward = http.request({
    agent,
    host: upstream.hostname,
    port: upstream.port,
    method,
    path: url,
    headers,
  });
  onward.on("response", (answer) => {
    response.writeHead(
      answer.statusCode ?? 502,
      answer.rawHeaders as unknown as http.OutgoingHttpHeaders,
    );
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  request.pipe(onward);
});
server.listen(Number(port), "127.0.0.1");
