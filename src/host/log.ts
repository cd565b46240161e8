import type { HostFamily } from "./host_function.ts";

/** Creates `hostLogString`: writes the guest's bytes as one line on standard output. */
export const logFunctions: HostFamily = (guest) => ({
  sync: {
    hostLogString: (pointer = 0, length = 0) => {
      guest.noteHostCall();
      guest.memory.check("string", pointer, length);
      const start = pointer >>> 0;
      guest.output.logLine(guest.memory.bytes, start, start + (length >>> 0));
      guest.limitBufferedOutput();
    },
  },
});
