import type { Line } from "./row.ts";

/** The lines of one row under its name. */
export interface Section {
  readonly name: string;
  readonly lines: readonly Line[];
}

const heads = ["row", "what", "who", "median", "ratio", "target", "met"];

/** Formats all results as one text table. */
export function table(sections: readonly Section[]): string {
  const rows = [heads, ...sections.flatMap(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const print = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const [head = [], ...body] = rows;
  return [print(head), rule, ...body.map(print)].join("\n") + "\n";
}

/** Returns the cells of a section; a cell that repeats the line above is empty. */
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

/** Returns a sentence that counts the targets and those that were met. */
export function summary(sections: readonly Section[]): string {
  const targets = sections.flatMap(({ lines }) => lines.flatMap(({ target }) => target ?? []));
  return `${targets.filter(({ met }) => met).length} of ${targets.length} targets met`;
}

/** Formats a number with three significant digits: `0.412`, `17.1`, `58,200`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

const mebibyte = 2 ** 20;

/** Formats bytes in MiB, the unit of the memory targets. */
export function inMebibytes(bytes: number): string {
  return `${digits(bytes / mebibyte)} MiB`;
}
