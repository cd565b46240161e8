import type { HostFamily } from "./host_function.ts";

/** `hostLogString`: one line on standard output, in the bytes of the guest. */
export const logFunctions: HostFamily = (guest) => ({
  now: {
    hostLogString: (pointer = 0, length = 0) => {
      guest.hostCalls++;
      guest.noteCall();
      guest.memory.check("string", pointer, length);
      const start = pointer >>> 0;
      guest.output.logLine(guest.memory.bytes, start, start + (length >>> 0));
      guest.boundHeld();
    },
  },
});
