import { encodeText } from "../base/byte_string.ts";
import { answering, type HostFamily } from "./host_function.ts";

/** What the launcher tells of itself, and the counter behind `Ping`: one for all instances of a function. */
export interface HostInformation {
  /** The port that is listened on, in http mode. */
  httpPort?: number;
  pings: number;
}

/** `hostGetHostInformation` and `hostPing`. */
export function informationFunctions(information: HostInformation): HostFamily {
  return (guest) => ({
    now: {
      hostGetHostInformation: answering(
        guest,
        () => JSON.stringify({ httpPort: information.httpPort }),
      ),
      hostPing: answering(guest, (inputs) => {
        guest.beSeen(); // the counter is seen by every later call
        const message = inputs.bytes(0);
        const before = encodeText("🏓 pong: ");
        const after = encodeText(` : ${++information.pings}`);
        const pong = new Uint8Array(before.length + message.length + after.length);
        pong.set(before);
        pong.set(message, before.length);
        pong.set(after, before.length + message.length);
        return pong;
      }),
    },
  });
}
