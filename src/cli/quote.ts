const longest = 60;

/** A person's text within a message: in quotes, on one line, without control characters, cut when it is long. */
export function quote(text: string): string {
  // A character is one or two units of the string; cutting twice keeps both halves of the last one.
  const characters = [...text.slice(0, 2 * longest)].slice(0, longest).join("");
  const cut = characters.length < text.length;
  // JSON leaves out of its escapes what terminals act on all the same: DEL and the C1 controls.
  const quoted = JSON.stringify(characters).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return cut ? `${quoted.slice(0, -1)}…"` : quoted;
}
