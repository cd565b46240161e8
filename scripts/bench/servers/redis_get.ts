/**
 * The server to compare a function with that asks Redis: it does with HTTP what a launcher has to do, and asks by the client that
 * ours uses. `deno run -A redis_get.ts PORT REDIS_PORT`
 */
import { Redis } from "ioredis";

const [port, redisPort] = Deno.args.map(Number);
const redis = new Redis({ host: "127.0.0.1", port: redisPort });
const headers = { "Content-Type": "text/plain; charset=utf-8" };

/** Makes sure that what is read is used. */
export let received = 0;

Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
  let list = "";
  request.headers.forEach((value, name) => list += `${name}:${value}|`);
  received += list.length;
  return new Response(await redis.get("greetings"), { headers });
});
