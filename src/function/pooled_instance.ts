import type { GuestInstance } from "../wasm/instance.ts";
import type { MemoryAccount } from "../wasm/memory_budget.ts";
import { StandingStack } from "../wasm/standing_stack.ts";

/** A pooled instance of a function, with the stack on which its handler is called. */
export class PooledInstance {
  readonly instance: GuestInstance;
  readonly #handler: string;
  #stack: StandingStack | "none" | undefined;

  readonly #account: MemoryAccount | undefined;

  /** @param account the memory of the instance, which is released with it. */
  constructor(instance: GuestInstance, handler: string, account: MemoryAccount | undefined) {
    this.instance = instance;
    this.#handler = handler;
    this.#account = account;
  }

  /** Calls the handler synchronously. */
  call(args: readonly number[]): unknown {
    return this.instance.call(this.#handler, args);
  }

  /** Calls the handler where it may wait. */
  callAwaitable(args: readonly number[]): unknown {
    const { instance } = this;
    instance.use();
    this.#stack ??= StandingStack.of(instance.exports[this.#handler] as WebAssembly.ExportValue) ??
      "none";
    return this.#stack === "none"
      ? instance.awaitable(this.#handler)(...args)
      : this.#stack.call(args);
  }

  /** Frees the stack and the instance. */
  close(): void {
    if (this.#stack !== undefined && this.#stack !== "none") this.#stack.end();
    this.instance.close();
    this.#account?.close();
  }
}
