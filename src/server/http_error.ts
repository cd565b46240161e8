import { CapsuleError } from "../base/errors.ts";

/** What a failure's answer says beside its code and message. */
export type MoreFields = Readonly<Record<string, string | number | readonly string[]>>;

/** A failure that a client is answered with: `{"code","message",…}` under this status. */
export class HttpError extends CapsuleError {
  readonly status: number;
  readonly more: MoreFields;

  constructor(
    status: number,
    code: string,
    message: string,
    { more = {}, ...options }: ErrorOptions & { more?: MoreFields } = {},
  ) {
    super(code, message, options);
    this.name = "HttpError";
    this.status = status;
    this.more = more;
  }
}
