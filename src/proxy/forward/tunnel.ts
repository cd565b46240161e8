import type { Wire } from "../http1/wire.ts";

/**
 * Passes bytes both ways until both sides have ended, or nothing has gone either way for `idleMs`. A side that ends lets the other finish.
 */
export async function tunnel(a: Wire, b: Wire, idleMs: number): Promise<void> {
  const alive = () => {
    a.readByMs = a.clock.in(idleMs);
    b.readByMs = b.clock.in(idleMs);
  };
  const broken = () => {
    a.close();
    b.close();
  };
  a.onLate = b.onLate = broken;
  const pass = async (from: Wire, to: Wire) => {
    try {
      for (;;) {
        const bytes = from.bytes.subarray(from.start, from.end);
        from.start = from.end;
        if (bytes.length > 0) await to.write(bytes, idleMs);
        from.fit(bytes.length);
        alive();
        if (!await from.fill()) break;
      }
    } catch {
      return broken();
    }
    if (from.failure !== undefined) broken();
    else await to.closeWrite();
  };
  await Promise.all([pass(a, b), pass(b, a)]);
}
