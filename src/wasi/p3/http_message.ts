import type { Value } from "../../component/abi/codec.ts";
import type { SharedFuture, SharedStream } from "../../component/async/shared_copies.ts";
import type { HostTasks } from "../../component/instance/host.ts";
import type { Fields } from "../p2/fields.ts";
import { type HttpErrorCode, HttpFailure, OutgoingBytes } from "../p2/http_body.ts";
import type { HttpVariant } from "../p2/http_syntax.ts";
import type { IncomingBody, RequestOptions, TrailersResult } from "../p2/http_types.ts";
import { err, ok } from "../p2/state.ts";
import type { IoError, StreamEnd } from "../p2/stream_end.ts";
import {
  drainInto,
  emptyStream,
  type HostFuture,
  hostFuture,
  readFuture,
  streamFrom,
} from "./copies.ts";

/** The content of a message: from the host, or from the guest that made it. */
export type Contents =
  | { readonly kind: "host"; readonly body: IncomingBody }
  | {
    readonly kind: "guest";
    readonly stream: SharedStream | undefined;
    /** The trailers, once the stream has ended. */
    readonly trailers: SharedFuture;
    /** Resolved when the message was transmitted. */
    readonly sent: HostFuture;
  };

/** A request or response of WASI 0.3. */
export class HttpMessage {
  /** Immutable. */
  readonly headers: Fields;
  readonly #tasks: HostTasks;
  #contents: Contents | undefined;
  #sent: HostFuture | undefined;

  constructor(headers: Fields, contents: Contents, tasks: HostTasks) {
    this.headers = headers;
    this.#contents = contents;
    this.#sent = contents.kind === "guest" ? contents.sent : undefined;
    this.#tasks = tasks;
  }

  /**
   * Returns the stream of its body and the future of its trailers.
   *
   * @param handled the guest's future of how it handled the body.
   */
  consume(handled: SharedFuture): [SharedStream, SharedFuture] {
    const contents = this.#take();
    if (contents.kind === "guest") {
      readFuture(handled, (result) => this.#resolveSent(result ?? ok()));
      return [contents.stream ?? emptyStream(), contents.trailers];
    }
    readFuture(handled, () => {});
    const { body } = contents;
    const { future, resolve } = hostFuture();
    // The rest of a dropped body is read only for a guest that waits for the trailers.
    const missing = new Set(["end of the stream", "reader"]);
    const note = (what: string) => {
      if (!missing.delete(what) || missing.size > 0) return;
      this.#tasks.add(body.trailers(), (result: TrailersResult) => resolve(result));
    };
    future.onRead = () => note("reader");
    const end = (error?: IoError) => {
      if (error) resolve(err(codeOf(error) as Value));
      else note("end of the stream");
    };
    const input = body.take();
    if (!input) throw new Error("the body of a message was taken twice");
    return [streamFrom(this.#tasks, input, end), future];
  }

  /**
   * Writes the content to the bytes of a message that is sent; undefined if it has none.
   *
   * @param onEnd called when the guest has ended its content, with its error if it failed.
   */
  transmit(onEnd: (code?: HttpErrorCode) => void): OutgoingBytes | undefined {
    const contents = this.#take();
    if (contents.kind === "host") return this.#forward(contents.body);
    const { stream, trailers } = contents;
    const bytes = new OutgoingBytes(this.headers.contentLength);
    const fail = (code: HttpErrorCode) => {
      bytes.abort();
      onEnd(code);
    };
    const finish = (end?: StreamEnd) => {
      if (end) return fail(end.error ? codeOf(end.error) : { tag: "connection-terminated" });
      readFuture(trailers, (found) => {
        const result = (found ?? ok()) as TrailersResult;
        if (result.tag === "error") return fail(result.value);
        const error = stream && bytes.finish(result.value);
        if (error) fail(error);
        else onEnd();
      });
    };
    if (stream) drainInto(this.#tasks, stream, bytes, finish);
    else finish();
    return stream && bytes;
  }

  /** Reports to the guest that made it whether it was transmitted. Only the first report counts. */
  reportSent(code?: HttpErrorCode): void {
    this.#resolveSent(code ? err(code as Value) : ok());
  }

  #resolveSent(result: Value): void {
    this.#sent?.resolve(result);
    this.#sent = undefined;
  }

  /** Call when its handle is dropped: its content is not sent. */
  drop(): void {
    const contents = this.#contents;
    if (contents?.kind !== "guest") return;
    this.#contents = undefined;
    contents.stream?.drop();
    contents.trailers.drop();
    this.reportSent();
  }

  /** Forwards the content that the host received. */
  #forward(body: IncomingBody): OutgoingBytes | undefined {
    const bytes = new OutgoingBytes(this.headers.contentLength);
    const input = body.take();
    if (!input) throw new Error("the body of a message was taken twice");
    const finish = (result: TrailersResult) => {
      if (result.tag === "error") bytes.abort();
      else bytes.finish(result.value);
    };
    const stream = streamFrom(this.#tasks, input, (error) => {
      if (error) bytes.abort();
      else this.#tasks.add(body.trailers(), finish);
    });
    drainInto(this.#tasks, stream, bytes, () => {});
    return bytes;
  }

  #take(): Contents {
    const contents = this.#contents;
    if (!contents) throw new Error("the content of a message was taken twice");
    this.#contents = undefined;
    return contents;
  }
}

/** The resource `request`. */
export class HttpRequest extends HttpMessage {
  method: HttpVariant = { tag: "get" };
  pathWithQuery: string | undefined;
  scheme: HttpVariant | undefined;
  authority: string | undefined;
  /** Immutable. */
  options: RequestOptions | undefined;
}

/** The resource `response`. */
export class HttpResponse extends HttpMessage {
  status = 200;
}

function codeOf({ message, cause }: IoError): HttpErrorCode {
  return cause instanceof HttpFailure ? cause.code : { tag: "internal-error", value: message };
}
