/** `deno run -A slow.ts PORT MILLISECONDS`: an upstream that delays each response. */
const [port, waitMs] = Deno.args.map(Number);

Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async () => {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  return new Response("here at last");
});
