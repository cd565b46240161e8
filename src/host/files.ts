import type { GuestFiles } from "../files/guest_files.ts";
import { type HostFamily, syncFunction } from "./host_function.ts";

/** Creates `hostReadFile` and `hostWriteFile` on the granted files. */
export function fileFunctions(files: GuestFiles): HostFamily {
  return (guest) => ({
    sync: {
      hostReadFile: syncFunction(
        guest,
        (inputs) => files.readFile(inputs.text(0, "path"), () => guest.assertInTime()),
      ),
      hostWriteFile: syncFunction(guest, (inputs) => {
        guest.beforeSideEffect();
        files.writeFile(
          inputs.text(0, "path"),
          inputs.view(1, "content"),
          () => guest.assertInTime(),
        );
        return "file created";
      }),
    },
  });
}
