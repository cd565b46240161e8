import { loadCLibrary } from "../base/c_library.ts";

/** Commands of `fcntl`. @see https://man7.org/linux/man-pages/man2/fcntl.2.html */
const command = { getFlags: 3, setFlags: 4, setOwner: 8, setSignal: 10 } as const;
const oAsync = 0o20000n;
const sigkill = 9n;

/**
 * Makes the kernel kill this process at the next event on its standard input, which after the
 * supervisor's first line can only be its end. A process whose only thread runs a module that
 * cannot be paused would never see that end itself.
 *
 * Not `prctl(PR_SET_PDEATHSIG)`: it fires when the parent *thread* ends, and is lost if the parent
 * died before the call. Linux only; elsewhere, or without a C library, this does nothing.
 */
export function endWithInput(): void {
  if (Deno.build.os !== "linux") return;
  try {
    const { fcntl } = loadCLibrary({ fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" } });
    fcntl(0, command.setOwner, BigInt(Deno.pid));
    fcntl(0, command.setSignal, sigkill);
    fcntl(0, command.setFlags, BigInt(fcntl(0, command.getFlags, 0n)) | oAsync);
  } catch {
    // Without it, the process ends once its thread is free to see the end of standard input.
  }
}
