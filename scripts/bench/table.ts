import type { Line } from "./row.ts";

/** The lines of one row under its name. */
export interface Section {
  readonly name: string;
  readonly lines: readonly Line[];
}

const heads = ["row", "what", "who", "median", "ratio", "target", "met"];

/** All that was measured, as one table of text. */
export function table(sections: readonly Section[]): string {
  const rows = [heads, ...sections.flatMap(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const print = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const [head = [], ...body] = rows;
  return [print(head), rule, ...body.map(print)].join("\n") + "\n";
}

/** The cells of a section; what repeats the line above is left empty. */
function cellsOf({ name, lines }: Section): string[][] {
  return lines.map(({ what, who, seen, ratio = "", target }, index) => [
    index === 0 ? name : "",
    lines[index - 1]?.what === what ? "" : what,
    who,
    seen,
    ratio,
    target?.text ?? "",
    target === undefined ? "" : target.met ? "yes" : "NO",
  ]);
}

/** How many targets there are and how many were met, in a sentence. */
export function summary(sections: readonly Section[]): string {
  const targets = sections.flatMap(({ lines }) => lines.flatMap(({ target }) => target ?? []));
  return `${targets.filter(({ met }) => met).length} of ${targets.length} targets met`;
}

/** A number with three significant digits, and thousands apart: `0.412`, `17.1`, `58,200`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

const mebibyte = 2 ** 20;

/** Bytes in MiB, the unit of the targets for memory. */
export function inMebibytes(bytes: number): string {
  return `${digits(bytes / mebibyte)} MiB`;
}
