import type { Guest } from "../../wasm/guest.ts";
import type { AbiContext, Memory } from "../abi/context.ts";
import { trap } from "../abi/context.ts";
import { type CallScope, type Handle, HandleTable } from "../abi/handle_table.ts";
import { CopyEnd } from "../async/copy_end.ts";
import { ErrorContext } from "../async/error_context.ts";
import type { SharedEnds } from "../async/shared_copies.ts";
import type { StringEncoding } from "../format/syntax.ts";
import type { CopyType, Resource } from "../types/types.ts";

/**
 * A component instance at run time: its handles, and whether it may be entered and left.
 *
 * @see CanonicalABI.md, "Component Instances"
 */
export class ComponentInstance {
  readonly parent: ComponentInstance | undefined;
  readonly handles = new HandleTable();
  readonly threads = new HandleTable();
  /** False while the guest is called by the canonical ABI itself, as in `realloc`. */
  mayLeave = true;
  /** Calls of `backpressure.inc` without `backpressure.dec`. */
  backpressure = 0;
  /** Calls that wait until the instance has no backpressure. */
  waitingToEnter = 0;
  /** The thread that runs a call beside which no other one may start. */
  exclusive: object | undefined;
  #mayEnter = true;

  constructor(parent: ComponentInstance | undefined) {
    this.parent = parent;
  }

  /**
   * Marks this instance and its ancestors that are not the caller's as entered. Returns the
   * function that leaves them.
   *
   * @throws a trap if one of them is entered already.
   */
  enter(caller: ComponentInstance | undefined): () => void {
    const entered = this.#enteredFrom(caller);
    if (entered.some((one) => !one.#mayEnter)) throw trap("cannot enter component instance");
    for (const one of entered) one.#mayEnter = false;
    return () => {
      for (const one of entered) one.#mayEnter = true;
    };
  }

  /** Reports whether `enter` would throw no trap. */
  mayEnterFrom(caller: ComponentInstance | undefined): boolean {
    return this.#enteredFrom(caller).every((one) => one.#mayEnter);
  }

  #enteredFrom(caller: ComponentInstance | undefined): ComponentInstance[] {
    return this.#lineage().filter((one) => !caller?.isOrDescendsFrom(one));
  }

  /** Returns this instance and its ancestors. */
  #lineage(): ComponentInstance[] {
    return this.parent ? [this, ...this.parent.#lineage()] : [this];
  }

  isOrDescendsFrom(other: ComponentInstance): boolean {
    return this === other || (this.parent?.isOrDescendsFrom(other) ?? false);
  }

  /** Resets the instance. Returns the handles that it owned. */
  reset(): Handle[] {
    this.mayLeave = true;
    this.#mayEnter = true;
    this.backpressure = 0;
    this.waitingToEnter = 0;
    this.exclusive = undefined;
    this.threads.clear();
    return this.handles.clear();
  }
}

/** Parts of a context that are the same for all calls with the same canonical options. */
export interface AbiOptions {
  readonly instance: ComponentInstance;
  readonly guest: Guest;
  /** Calls a function of the guest from inside one of its imports. */
  readonly inside: <T>(call: () => T) => T;
  readonly memory: Memory;
  readonly encoding: StringEncoding;
  readonly realloc: ((...args: number[]) => number) | undefined;
  /** Reports whether the instance implements a resource, so that borrows are representations. */
  readonly implementsResource: (resource: Resource) => boolean;
}

/** Bytes of all strings and lists that one call may lift. */
const maxLiftedBytes = 2 ** 28;
/** New handles, whose resources are on V8's heap, between two checks of the heap. */
const handlesBetweenChecks = 1024;
/** Bytes that are lifted between two checks of the deadline. */
const bytesBetweenChecks = 1 << 20;

/** The context of one call: its borrows are returned when it ends. */
export class CallContext implements AbiContext, CallScope {
  readonly lenders: Handle[] = [];
  borrows = 0;
  readonly encoding: StringEncoding;
  readonly borrowsBytes: boolean;
  readonly #options: AbiOptions;
  #liftedBytes = 0;
  #bytesUntilCheck = bytesBetweenChecks;

  constructor(options: AbiOptions, borrowsBytes = false) {
    this.#options = options;
    this.borrowsBytes = borrowsBytes;
    this.encoding = options.encoding;
  }

  get memory(): Memory {
    return this.#options.memory;
  }

  countLifted(bytes: number): void {
    this.#liftedBytes += bytes;
    if (this.#liftedBytes > maxLiftedBytes) {
      throw trap(`strings and lists of one call are longer than ${maxLiftedBytes} bytes`);
    }
    this.#options.guest.noteCopied(bytes);
    if ((this.#bytesUntilCheck -= bytes) > 0) return;
    this.#bytesUntilCheck = bytesBetweenChecks;
    this.#options.guest.assertInTime();
  }

  realloc(oldPointer: number, oldSize: number, alignment: number, newSize: number): number {
    const { instance, inside, realloc } = this.#options;
    if (!realloc) throw new Error("a value needs memory and the options name no realloc");
    instance.mayLeave = false;
    const pointer = inside(() => realloc(oldPointer, oldSize, alignment, newSize));
    instance.mayLeave = true;
    return pointer;
  }

  liftOwn(resource: Resource, index: number): unknown {
    const { handles } = this.#options.instance;
    const handle = handles.get(index, resource);
    if (handle.borrowedBy) throw trap(`handle index ${index} is borrowed, not owned`);
    handles.remove(index, resource);
    return handle.rep;
  }

  liftBorrow(resource: Resource, index: number): unknown {
    const handle = this.#options.instance.handles.get(index, resource);
    handle.lends++;
    this.lenders.push(handle);
    return handle.rep;
  }

  lowerOwn(resource: Resource, rep: unknown): number {
    const { instance: { handles }, guest } = this.#options;
    const index = handles.add({ resource, rep, borrowedBy: undefined, lends: 0 });
    if (index % handlesBetweenChecks === 0) guest.assertHeapHasRoom();
    return index;
  }

  lowerBorrow(resource: Resource, rep: unknown): number {
    const { instance, implementsResource } = this.#options;
    if (implementsResource(resource)) return rep as number;
    this.borrows++;
    return instance.handles.add({ resource, rep, borrowedBy: this, lends: 0 });
  }

  liftCopy({ kind, element }: CopyType, index: number): object {
    const { handles } = this.#options.instance;
    const end = handles.removeEntry(index, CopyEnd, `${kind} end`);
    end.requireType({ kind, side: "readable", element }, index);
    if (end.isCopying) throw trap(`cannot pass a ${kind} while it is being read`);
    if (end.state === "done") {
      throw trap(`cannot lift ${kind} after being notified that the writable end dropped`);
    }
    if (end.isInSet) throw trap(`cannot pass a ${kind} that is in a waitable set`);
    return end.shared;
  }

  lowerCopy({ element }: CopyType, shared: object): number {
    const end = new CopyEnd("readable", shared as SharedEnds);
    end.shared.adopt(element);
    return this.#options.instance.handles.add(end);
  }

  liftError(index: number): object {
    return this.#options.instance.handles.entry(index, ErrorContext, "error context");
  }

  lowerError(error: object): number {
    return this.#options.instance.handles.add(error as ErrorContext);
  }

  /** Returns the handles that the call lent out. */
  returnLent(): void {
    for (const handle of this.lenders) handle.lends--;
    this.lenders.length = 0;
  }

  /** @throws a trap if handles lent to the call were not dropped. */
  checkBorrowsReturned(): void {
    if (this.borrows > 0) throw trap("borrow handles still remain at the end of the call");
  }
}
