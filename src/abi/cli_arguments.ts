/** What stands between two arguments of a cli call: U+00B0, bytes C2 B0. */
export const argumentSeparator = "°";

/**
 * The arguments of a cli call as the one string that the guest splits. No arguments are one empty argument, as in
 * Capsule 0.1.3.
 */
export function joinArguments(args: readonly string[]): string {
  return args.join(argumentSeparator);
}
