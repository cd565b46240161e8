/** `deno run -A naive.ts PORT MODULE`: a server with a new instance for each request. */
import { naiveCall } from "./naive_call.ts";

const [port, path = ""] = Deno.args;
const module = await WebAssembly.compile(await Deno.readFile(path));
const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
const nothing = new Uint8Array(0);

Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  const list: string[] = [];
  request.headers.forEach((value, name) => list.push(`${name}:${value}`));
  const body = request.method === "GET" ? nothing : await request.bytes();
  const result = naiveCall(module, { body, headers: list.join("|"), log: console.log });
  const [text = "", headers = ""] = result.slice("[BODY]".length).split("[HEADERS]");
  const pairs = headers.split("|").filter((item) => item.includes(":")).map(
    (item): [string, string] => {
      const colon = item.indexOf(":");
      return [item.slice(0, colon), latin1(item.slice(colon + 1))];
    },
  );
  return new Response(text, { headers: pairs, status: result.startsWith("[BODY]") ? 200 : 500 });
});
