/**
 * The defined functions by number, 0 being the first that is not imported; after the last stands where it ends. The lists
 * are read directly, as those of the events are.
 */
export class ScannedFunctions {
  length = 0;
  /** Offset of the size of the body. */
  readonly sizeAt: Int32Array;
  /** Offset of the body, which begins with its locals. */
  readonly start: Int32Array;
  /** Offset of the first instruction. */
  readonly codeStart: Int32Array;
  /** Number of locals that are no parameters. */
  readonly locals: Int32Array;
  /** Number of the first event; the last one is the `end` before the first event of the next function. */
  readonly firstEvent: Int32Array;
  /** Place of the first call among all calls. */
  readonly firstCall: Int32Array;

  /** Room for so many. */
  constructor(capacity: number) {
    this.sizeAt = new Int32Array(capacity);
    this.start = new Int32Array(capacity);
    this.codeStart = new Int32Array(capacity);
    this.locals = new Int32Array(capacity);
    this.firstEvent = new Int32Array(capacity);
    this.firstCall = new Int32Array(capacity);
  }
}
