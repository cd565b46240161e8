/** A message of a peer that is no HTTP/1.1, or more of it than is taken. */
export class BadMessage extends Error {
  /** What a client that sent it is answered with. */
  readonly status: 400 | 408 | 413 | 417 | 431 | 501 | 505;

  constructor(message: string, status: BadMessage["status"] = 400) {
    super(message);
    this.name = "BadMessage";
    this.status = status;
  }
}
