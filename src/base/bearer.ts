/** The `Authorization` header that shows a token: its bytes in UTF-8, of which a header carries one a character. */
export function bearer(token: string): string {
  return `Bearer ${String.fromCharCode(...new TextEncoder().encode(token))}`;
}
