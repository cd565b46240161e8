import { env, root } from "./contenders.ts";
import { ownEnvironment } from "./processes.ts";

/** What is called, and by whom: `capsule`, with its flags, also without step counter, or `naive`, with a new instance for each call. */
export interface CallPlan {
  readonly who: "capsule" | "uncounted" | "naive";
  readonly module: string;
  readonly flags?: readonly string[];
}

/** A process that calls a function without HTTP (`servers/calls.ts`), so that each has a compiler and a heap of its own. */
export class CallProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;

  constructor({ who, module, flags = [] }: CallPlan) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}scripts/bench/servers/calls.ts`, who, module, ...flags],
      clearEnv: true,
      env: { ...ownEnvironment(), ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Calls with that body for so many seconds, and returns the microseconds of processor time that one call took. */
  async run(seconds: number, body: string): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify([seconds, body])}\n`));
    const { value } = await this.#output.read();
    if (value === undefined) throw new Error("the process that calls ended; its stderr says why");
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#child.status;
  }
}
