import type { GuestFiles } from "../files/guest_files.ts";
import { answering, type HostFamily } from "./host_function.ts";

/** `hostReadFile` and `hostWriteFile`, on the files that are granted. */
export function fileFunctions(files: GuestFiles): HostFamily {
  return (guest) => ({
    now: {
      hostReadFile: answering(guest, (inputs) => files.readFile(inputs.text(0))),
      hostWriteFile: answering(guest, (inputs) => {
        guest.beSeen();
        files.writeFile(inputs.text(0), inputs.bytes(1));
        return "file created";
      }),
    },
  });
}
