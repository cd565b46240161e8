/**
 * Returns the value of `Authorization: Bearer <token>`. Header values are byte strings, so each
 * UTF-8 byte of the token becomes one character.
 */
export function bearer(token: string): string {
  return `Bearer ${String.fromCharCode(...new TextEncoder().encode(token))}`;
}

/**
 * The header that the outbound client adds to a guest's request to this machine. An admin
 * interface without a token refuses requests with it: nothing else distinguishes a guest from a
 * local user there.
 */
export const guestMark = "capsule-guest";
