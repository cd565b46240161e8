import { HttpError } from "../../server/http_error.ts";

/** No space, over the quota. */
const codes = new Set(["ENOSPC", "EDQUOT"]);
/** Over the largest file that the process may write: Deno gives that error no code. `os error 27` is `EFBIG`. */
const tooLargeFile = /\(os error 27\)$/;

/** Turns what a file system says when it is full into a 507; anything else passes through. */
export function orDiskFull(error: unknown): never {
  if (
    error instanceof Error &&
    (codes.has(String(Reflect.get(error, "code"))) || tooLargeFile.test(error.message))
  ) {
    throw new HttpError(507, "DISK_FULL", "the registry's disk is full: nothing was changed", {
      cause: error,
    });
  }
  throw error;
}
