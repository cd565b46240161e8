import { loadCLibrary } from "../base/c_library.ts";

/** `fcntl`'s commands, and the flag that asks for a signal at each event. @see https://man7.org/linux/man-pages/man2/fcntl.2.html */
const command = { getFlags: 3, setFlags: 4, setOwner: 8, setSignal: 10 } as const;
const async = 0o20000n;
const sigkill = 9n;

/**
 * Has the system kill this process at the next event on its standard input, which from then on is its end. A process whose one thread is kept busy by a
 * module that nothing can pause would never see that end itself. Linux only; elsewhere, and where its C library cannot be called, this does nothing.
 */
export function endWithInput(): void {
  if (Deno.build.os !== "linux") return;
  try {
    const { fcntl } = loadCLibrary({ fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" } });
    fcntl(0, command.setOwner, BigInt(Deno.pid));
    fcntl(0, command.setSignal, sigkill);
    fcntl(0, command.setFlags, BigInt(fcntl(0, command.getFlags, 0n)) | async);
  } catch {
    // Then the end is seen when the thread has time for it.
  }
}
