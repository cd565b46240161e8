/**
 * The blocks that are open in the old code, with their depths in the new: blocks that are added
 * move labels.
 */
export class LabelStack {
  /** Number of open blocks in the new code. */
  depth = 0;
  /**
   * Depth in the new code of the block that a branch to each open block of the old code leads to.
   */
  readonly targets: number[] = [];
  /** Events that began the open blocks; -1 for the function. */
  readonly begins: number[] = [];

  open(event: number): void {
    this.targets.push(++this.depth);
    this.begins.push(event);
  }

  close(): void {
    this.depth--;
    this.targets.pop();
    this.begins.pop();
  }

  /** Returns what `label` of the old code is here, in the new code. */
  translate(label: number): number {
    return this.depth - (this.targets[this.targets.length - 1 - label] ?? 0);
  }

  /** Lets branches to the innermost block lead to the block at `depth`. */
  retarget(depth: number): void {
    this.targets[this.targets.length - 1] = depth;
  }
}
