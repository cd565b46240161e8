/** An upstream that answers each request after a while. `deno run -A slow.ts PORT MILLISECONDS` */
const [port, waitMs] = Deno.args.map(Number);

Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async () => {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  return new Response("here at last");
});
