import type { Events } from "./events.ts";
import type { Ints } from "../format/ints.ts";
import type { ScannedFunctions } from "./scanned_functions.ts";

/** Everything known about a module's code after one pass over it. */
export interface Code {
  events: Events;
  functions: ScannedFunctions;
  /** Numbers of the events that are calls of any kind. */
  calls: Ints;
  /** Functions named by `ref.func`, which a table or a value may hold. */
  referenced: Ints;
  /**
   * First instruction that writes to a table, and first that drops a segment: no reset undoes them.
   */
  tableWrite: Occurrence | undefined;
  segmentDrop: Occurrence | undefined;
}

/** First occurrence of an instruction. */
export interface Occurrence {
  instruction: string;
  /** Offset from the start of the file. */
  offset: number;
}
