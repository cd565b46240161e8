import { joinArguments } from "../abi/cli_arguments.ts";
import { decodeText, encodeText } from "../abi/byte_string.ts";
import { decodeError } from "../abi/errors.ts";
import { takeResult } from "../abi/result.ts";
import type { CapsuleFunction } from "./function.ts";
import { passBytes } from "./pass_bytes.ts";

/** What a cli handler answered: its result in the guest's own bytes, or its error for a person to read. */
export type CliResult =
  | { readonly kind: "result"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly message: string };

/** Calls a function's cli handler once. */
export async function callCli(called: CapsuleFunction, args: readonly string[]): Promise<CliResult> {
  const bytes = await called.call({
    pass: (instance) => {
      const text = encodeText(joinArguments(args));
      return [passBytes(instance, text), text.length];
    },
    take: (instance, result) => takeResult(instance.guest, result).slice(),
  });
  const message = decodeError(decodeText(bytes));
  return message === undefined ? { kind: "result", bytes } : { kind: "error", message };
}
