const lowest = 10_000;
/** So many are below those that the system hands out (Linux: from 32768 on), also with the 10000 more that a Redis cluster uses. */
const count = 12_000;

/**
 * A port on which nobody listens. It is none of those that the system chooses for whoever asks for any, so that no other test has it
 * by the time it is used, or while its server is down.
 */
export function freePort(): number {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
