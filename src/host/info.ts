import { concatBytes } from "../base/byte_string.ts";
import { type HostFamily, syncFunction } from "./host_function.ts";

/** Information about the launcher. All instances of a function share the counter. */
export interface HostInformation {
  /** The port that http mode listens on. */
  httpPort?: number;
  /** The number of calls of `Ping`. */
  pings: number;
}

/** Creates `hostGetHostInformation` and `hostPing`. */
export function informationFunctions(information: HostInformation): HostFamily {
  return (guest) => ({
    sync: {
      hostGetHostInformation: syncFunction(
        guest,
        () => JSON.stringify({ httpPort: information.httpPort }),
      ),
      hostPing: syncFunction(guest, (inputs) => {
        guest.beforeSideEffect(); // later calls see the counter
        const message = inputs.view(0, "message");
        return concatBytes(["🏓 pong: ", message, ` : ${++information.pings}`]);
      }),
    },
  });
}
