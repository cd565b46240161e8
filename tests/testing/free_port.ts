const lowest = 10_000;
/**
 * Ports below those that the system assigns (Linux: from 32768), even with the 10000 that a Redis
 * cluster adds.
 */
const count = 12_000;

/**
 * Returns a port that is not in use. The system does not assign it for port 0, so no other test
 * takes it before it is used, or while its server is down.
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
