import { viewBytes } from "../abi/guest_strings.ts";
import type { HostFamily } from "./host_function.ts";

/** `hostLogString`: one line on standard output, in the bytes of the guest. */
export const logFunctions: HostFamily = (guest) => ({
  now: {
    hostLogString: (pointer = 0, length = 0) => {
      guest.hostCalls++;
      guest.noteCall();
      guest.output.logLine(viewBytes(guest, pointer, length));
      guest.boundHeld();
    },
  },
});
