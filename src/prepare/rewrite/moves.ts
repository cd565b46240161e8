import type { Ints } from "../format/ints.ts";

/** Distances by which instructions moved inside their functions, for sections that point at code. */
export interface Moves {
  /**
   * Pairs of an offset in the old file and the distance from there on; undefined when no section
   * of the module points at instructions.
   */
  distances: Ints | undefined;
  /** Pairs of a defined function's number and the offset of a check's `if` in its new body. */
  checks: Ints;
}

/**
 * Prefix of the sections that annotate single instructions
 * (https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md).
 */
export const METADATA_PREFIX = "metadata.code.";
