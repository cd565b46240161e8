import { dataStart, trailerBytes } from "../../src/base/build.ts";

/**
 * Puts bytes before a compiled program's own data, where a start does not read them: each megabyte among the data costs every start
 * a millisecond.
 *
 * @returns whether it did; a program of another form is left as it is.
 */
export async function carryBefore(program: string, bytes: Uint8Array): Promise<boolean> {
  const whole = await Deno.readFile(program);
  const start = dataStart(whole.slice(-trailerBytes), whole.length);
  if (start === undefined) return false;
  const { mode } = await Deno.stat(program);
  using file = await Deno.open(program, { write: true, create: true, mode: mode ?? undefined });
  await file.seek(start, Deno.SeekMode.Start);
  for (const part of [bytes, whole.subarray(start)]) {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
  return true;
}
