import { trap } from "../abi/context.ts";
import { difference } from "../types/equal.ts";
import type { ComponentValueType } from "../types/types.ts";
import type { SharedEnds } from "./shared_copies.ts";
import { Waitable } from "./waitable.ts";

/**
 * State of an end of a stream or future.
 *
 * - `idle`: no read or write is in progress.
 * - `copying`: one is in progress; `cancelling` if its cancellation was requested.
 * - `done`: the other end was dropped, or a future has its value.
 */
export type CopyState = "idle" | "copying" | "cancelling" | "done";

/** An end of a stream or future in the table of an instance. */
export class CopyEnd extends Waitable {
  readonly side: "readable" | "writable";
  readonly shared: SharedEnds;
  state: CopyState = "idle";
  /** The buffer of the read or write in progress. */
  buffer: { readonly remaining: number } | undefined;

  constructor(side: CopyEnd["side"], shared: SharedEnds) {
    super();
    this.side = side;
    this.shared = shared;
  }

  /** @throws a trap if it is of another kind, side or element type. */
  requireType(
    { kind, side, element }: {
      readonly kind: string;
      readonly side: CopyEnd["side"];
      readonly element: ComponentValueType | undefined;
    },
    index: number,
  ): void {
    if (this.shared.kind !== kind || this.side !== side) {
      throw trap(`handle index ${index} is not a ${side} ${kind} end`);
    }
    if (difference(this.shared.element, element) !== undefined) {
      throw trap(`handle index ${index} is a ${kind} of another type`);
    }
  }

  get isCopying(): boolean {
    return this.state === "copying" || this.state === "cancelling";
  }

  /** @throws a trap if it is in use, or if a future has no value yet. */
  override dropped(): void {
    const { kind } = this.shared;
    if (this.isCopying) throw trap(`cannot drop busy ${kind}`);
    if (kind === "future" && this.side === "writable" && this.state !== "done") {
      throw trap("cannot drop future write end without first writing a value");
    }
    this.shared.drop();
    super.dropped();
  }

  /** Call when its instance is discarded. */
  discard(): void {
    this.shared.drop();
  }
}
