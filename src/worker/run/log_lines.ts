/** A line that a function wrote. */
export interface LogLine {
  /** Time of arrival, in milliseconds since 1970. */
  readonly timeMs: number;
  /** Id of the process that wrote it. */
  readonly from: string;
  readonly text: string;
}

/** Limits of the lines that one deployment keeps. */
const maxLines = 1000;
const maxLength = 1024 * 1024;
/** A reader that is further behind loses lines. */
const maxBehind = 1000;

/** The last lines of all processes of a deployment, and their followers. */
export class LogLines {
  readonly #lines: LogLine[] = [];
  readonly #followers = new Set<(line: LogLine | undefined) => void>();
  #length = 0;
  #closed = false;

  add(text: string, from: string): void {
    const line = { timeMs: Date.now(), from, text };
    this.#lines.push(line);
    this.#length += text.length;
    while (this.#lines.length > maxLines || this.#length > maxLength) {
      this.#length -= this.#lines.shift()?.text.length ?? 0;
    }
    for (const follower of this.#followers) follower(line);
  }

  /** Returns the last `count` lines, oldest first. */
  last(count: number): readonly LogLine[] {
    return count === 0 ? [] : this.#lines.slice(-count);
  }

  /** Streams the last `count` lines and all later ones, until `close` or the reader cancels. */
  follow(count: number): ReadableStream<LogLine> {
    let follower: (line: LogLine | undefined) => void;
    return new ReadableStream<LogLine>({
      start: (controller) => {
        for (const line of this.last(count)) controller.enqueue(line);
        if (this.#closed) return controller.close();
        follower = (line) => {
          if (line === undefined) controller.close();
          else if ((controller.desiredSize ?? 0) > 0) controller.enqueue(line);
        };
        this.#followers.add(follower);
      },
      cancel: () => void this.#followers.delete(follower),
    }, { highWaterMark: maxLines + maxBehind });
  }

  /** Ends all followers. */
  close(): void {
    this.#closed = true;
    for (const follower of this.#followers) follower(undefined);
    this.#followers.clear();
  }
}
