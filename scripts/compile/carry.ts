import { writeAll } from "../../src/base/atomic_file.ts";
import { dataStart, trailerBytes } from "../../src/base/build.ts";

/**
 * Inserts bytes before the data of a compiled program, where no start reads them (bench: `start`).
 * Returns false, and leaves the program alone, if it has no trailer of `deno compile`.
 */
export async function carryBefore(program: string, bytes: Uint8Array): Promise<boolean> {
  const whole = await Deno.readFile(program);
  const start = dataStart(whole.slice(-trailerBytes), whole.length);
  if (start === undefined) return false;
  const { mode } = await Deno.stat(program);
  using file = await Deno.open(program, { write: true, create: true, mode: mode ?? undefined });
  await file.seek(start, Deno.SeekMode.Start);
  await writeAll(file, bytes);
  await writeAll(file, whole.subarray(start));
  return true;
}
