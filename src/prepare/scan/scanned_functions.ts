/**
 * The defined functions by number, 0 being the first that is not imported. One more entry, after
 * the last function, holds where it ends. Walks read the arrays directly, as those of `Events`.
 */
export class ScannedFunctions {
  length = 0;
  /** Offset of the size of the body. */
  readonly sizeAt: Int32Array;
  /** Offset of the body, which begins with its locals. */
  readonly start: Int32Array;
  /** Offset of the first instruction. */
  readonly codeStart: Int32Array;
  /** Number of locals beside the parameters. */
  readonly locals: Int32Array;
  /**
   * Number of the first event; the last one is the `end` before the next function's first event.
   */
  readonly firstEvent: Int32Array;
  /** Index of the first call in the list of all calls. */
  readonly firstCall: Int32Array;

  constructor(capacity: number) {
    this.sizeAt = new Int32Array(capacity);
    this.start = new Int32Array(capacity);
    this.codeStart = new Int32Array(capacity);
    this.locals = new Int32Array(capacity);
    this.firstEvent = new Int32Array(capacity);
    this.firstCall = new Int32Array(capacity);
  }
}
