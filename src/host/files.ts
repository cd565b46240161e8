import type { GuestFiles } from "../files/guest_files.ts";
import { type HostFamily, syncFunction } from "./host_function.ts";

/** Creates `hostReadFile` and `hostWriteFile` on the granted files. */
export function fileFunctions(files: GuestFiles): HostFamily {
  return (guest) => ({
    sync: {
      hostReadFile: syncFunction(guest, (inputs) => files.readFile(inputs.text(0))),
      hostWriteFile: syncFunction(guest, (inputs) => {
        guest.beforeSideEffect();
        files.writeFile(inputs.text(0), inputs.bytes(1));
        return "file created";
      }),
    },
  });
}
