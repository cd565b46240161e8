import { env, root } from "./contenders.ts";
import { ownEnvironment } from "./processes.ts";

/**
 * A module and its caller: `capsule`, `uncounted` (without step metering), `naive`, or `component`
 * for a component.
 */
export interface CallPlan {
  readonly who: "capsule" | "uncounted" | "naive" | "component";
  readonly module: string;
  readonly flags?: readonly string[];
}

/** A process that calls a function without HTTP (`servers/calls.ts`), with its own V8 heap. */
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

  /** Calls with `body` for `seconds`. Returns the CPU time of one call in microseconds. */
  async run(seconds: number, body: string): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify([seconds, body])}\n`));
    const { value } = await this.#output.read();
    if (value === undefined) {
      throw new Error("the calling process exited; its stderr has the reason");
    }
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#child.status;
  }
}
