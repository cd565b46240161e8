import type { Resource } from "../types/types.ts";
import { trap } from "./context.ts";

/** A handle of a resource, as an entry of a component instance's table. */
export interface Handle {
  readonly resource: Resource;
  /** A number of the component that implements the resource, or a value of the host. */
  readonly rep: unknown;
  /** The call that must drop this handle before it returns; undefined for an owned one. */
  readonly borrowedBy: CallScope | undefined;
  /** Calls to which the handle is lent. */
  lends: number;
}

/** An entry that is not a handle of a resource, such as an end of a stream. */
export interface OtherEntry {
  readonly resource: undefined;
  /** Called when its instance is discarded. */
  discard?(): void;
}

type Entry = Handle | OtherEntry;

/** A class of entries. */
type EntryClass<T> = abstract new (...args: never[]) => T;

/** A call's borrows: handles that it lent out, and handles lent to it. */
export interface CallScope {
  readonly lenders: Handle[];
  borrows: number;
}

/** Most handles of a component instance. The specification allows 2^28 - 1, a host fewer. */
const maxHandles = 2 ** 18;

/**
 * The handles of a component instance. Index 0 is never used; freed indices are reused, the last
 * one first.
 *
 * @see CanonicalABI.md, "Table State"
 */
export class HandleTable {
  readonly #entries: (Entry | undefined)[] = [undefined];
  readonly #free: number[] = [];

  /** The number of handles. */
  get size(): number {
    return this.#entries.length - 1 - this.#free.length;
  }

  add(entry: Entry): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#entries[free] = entry;
      return free;
    }
    if (this.#entries.length > maxHandles) {
      throw trap(`the handle table is full: it has ${maxHandles} handles`);
    }
    return this.#entries.push(entry) - 1;
  }

  /** Returns a handle. @throws a trap if it is unknown or of another resource. */
  get(index: number, resource: Resource): Handle {
    const handle = this.#entries[index];
    if (handle === undefined) throw trap(`unknown handle index ${index}`);
    if (handle.resource === undefined || handle.resource !== resource) {
      throw trap(`handle index ${index} used with the wrong type of resource`);
    }
    return handle;
  }

  /** Removes a handle. @throws a trap if it is unknown, of another resource, or lent. */
  remove(index: number, resource: Resource): Handle {
    const handle = this.get(index, resource);
    if (handle.lends > 0) throw trap(`cannot remove owned resource ${index} while it is borrowed`);
    this.#release(index);
    return handle;
  }

  /** Returns an entry of a class. @throws a trap if it is unknown or of another class. */
  entry<T extends OtherEntry>(index: number, type: EntryClass<T>, name: string): T {
    const entry = this.#entries[index];
    if (entry === undefined) throw trap(`unknown handle index ${index}`);
    if (!(entry instanceof type)) throw trap(`handle index ${index} is not a ${name}`);
    return entry;
  }

  /** Removes an entry of a class. @throws as `entry` does. */
  removeEntry<T extends OtherEntry>(index: number, type: EntryClass<T>, name: string): T {
    const entry = this.entry(index, type, name);
    this.#release(index);
    return entry;
  }

  #release(index: number): void {
    this.#entries[index] = undefined;
    this.#free.push(index);
  }

  /** Removes all entries, discards those of no resource, and returns the owned handles. */
  clear(): Handle[] {
    const owned: Handle[] = [];
    for (const entry of this.#entries) {
      if (entry === undefined) continue;
      if (entry.resource === undefined) entry.discard?.();
      else if (!entry.borrowedBy) owned.push(entry);
    }
    this.#entries.length = 1;
    this.#free.length = 0;
    return owned;
  }
}
