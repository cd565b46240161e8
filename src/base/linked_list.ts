/**
 * A doubly linked list: values in insertion order, each removed in constant time.
 *
 * Use it instead of a `Set` for what is added and removed with every call. The table that a `Set`
 * abandons when it grows or shrinks refers to its successor, so once one of them is in the old
 * generation, a young collection keeps everything that was in the set since.
 */
export class LinkedList<T> {
  // Circular, with a sentinel node.
  readonly #sentinel: ListNode<T> = new ListNode<T>(undefined);
  #length = 0;

  /** The number of values. */
  get length(): number {
    return this.#length;
  }

  /** Adds a value at the end and returns its node, with which it is removed. */
  append(value: T): ListNode<T> {
    const node = new ListNode(value);
    const last = this.#sentinel.before;
    node.before = last;
    node.after = this.#sentinel;
    last.after = this.#sentinel.before = node;
    this.#length++;
    return node;
  }

  /** Removes a node; one that was removed before is left alone. */
  remove(node: ListNode<T>): void {
    if (!node.isLinked) return;
    node.before.after = node.after;
    node.after.before = node.before;
    // A removed node must keep nothing alive.
    node.before = node.after = node;
    this.#length--;
  }

  /** Iterates from first to last. The current node may be removed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (
      let node = this.#sentinel.after, next = node.after;
      node !== this.#sentinel;
      node = next, next = node.after
    ) {
      yield node.value as T;
    }
  }
}

/** A value's node in a linked list. */
export class ListNode<T> {
  readonly value: T | undefined;
  before: ListNode<T> = this;
  after: ListNode<T> = this;

  constructor(value: T | undefined) {
    this.value = value;
  }

  /** True while the node is in a list. */
  get isLinked(): boolean {
    return this.after !== this;
  }
}
