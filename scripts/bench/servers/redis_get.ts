/**
 * `deno run -A redis_get.ts PORT REDIS_PORT`: the base line of the row `store`. It does the HTTP
 * work of a launcher and reads a key with the same Redis client.
 */
import { Redis } from "ioredis";

const [port, redisPort] = Deno.args.map(Number);
const redis = new Redis({ host: "127.0.0.1", port: redisPort });
const headers = { "Content-Type": "text/plain; charset=utf-8" };

/** Uses what is read, so that V8 cannot drop the reads. */
export let received = 0;

Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
  let list = "";
  request.headers.forEach((value, name) => list += `${name}:${value}|`);
  received += list.length;
  return new Response(await redis.get("greetings"), { headers });
});
