import { encodeText } from "../base/byte_string.ts";
import { concatBytes } from "../base/byte_string.ts";
import type { HostFamily } from "./host_function.ts";
import { maxInputBytes } from "./imports.ts";

/**
 * Creates `hostLogString`: writes the guest's bytes as one line on standard output. A longer
 * message than allowed is truncated.
 */
export const logFunctions: HostFamily = (guest) => ({
  sync: {
    hostLogString: (pointer = 0, length = 0) => {
      guest.noteHostCall();
      guest.memory.check("string", pointer, length);
      const start = pointer >>> 0;
      const size = length >>> 0;
      const { bytes } = guest.memory;
      const left = size - maxInputBytes.message;
      if (left <= 0) guest.output.logLine(bytes, start, start + size);
      else guest.output.logLine(truncated(bytes.subarray(start, start + size), left));
      guest.limitBufferedOutput();
    },
  },
});

function truncated(message: Uint8Array, left: number): Uint8Array {
  const note = encodeText(` … (${left} bytes left out)`);
  return concatBytes([message.subarray(0, message.length - left), note]);
}
