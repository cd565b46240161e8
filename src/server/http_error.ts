import { CapsuleError } from "../base/errors.ts";

/** Fields of an error response beside its code and message. */
export type ErrorFields = Readonly<Record<string, string | number | readonly string[]>>;

/** An error that becomes the response `{"code","message",…}` with this status. */
export class HttpError extends CapsuleError {
  readonly status: number;
  readonly more: ErrorFields;

  constructor(
    status: number,
    code: string,
    message: string,
    { more = {}, ...options }: ErrorOptions & { more?: ErrorFields } = {},
  ) {
    super(code, message, options);
    this.name = "HttpError";
    this.status = status;
    this.more = more;
  }
}
