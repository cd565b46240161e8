import type { OtherEntry } from "../abi/handle_table.ts";

/** An error with a message for debugging, which components pass to each other. */
export class ErrorContext implements OtherEntry {
  readonly resource = undefined;
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
