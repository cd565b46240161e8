import type { Wire } from "../../http1/wire.ts";

/**
 * Forwards bytes in both directions until both sides have ended, or neither has sent any for
 * `idleMs`. The end of one side is forwarded, and the other side may finish.
 */
export async function tunnel(a: Wire, b: Wire, idleMs: number): Promise<void> {
  const extendDeadlines = () => {
    a.setReadDeadline(a.clock.in(idleMs));
    b.setReadDeadline(b.clock.in(idleMs));
  };
  const closeBoth = () => {
    a.close();
    b.close();
  };
  a.onLate(closeBoth);
  b.onLate(closeBoth);
  const forwardAll = async (from: Wire, to: Wire) => {
    try {
      for (;;) {
        const count = from.buffered;
        const bytes = from.bytes.subarray(from.start, from.end);
        from.consume(count);
        if (count > 0) await to.write(bytes, idleMs);
        from.fit(count);
        extendDeadlines();
        if (!await from.fill()) break;
      }
    } catch {
      return closeBoth();
    }
    if (from.endReason?.kind === "eof") await to.closeWrite();
    else closeBoth();
  };
  await Promise.all([forwardAll(a, b), forwardAll(b, a)]);
}
