import { CapsuleError } from "../base/errors.ts";

/** A failure that a client is answered with: `{"code","message"}` under this status. */
export class HttpError extends CapsuleError {
  readonly status: number;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "HttpError";
    this.status = status;
  }
}
