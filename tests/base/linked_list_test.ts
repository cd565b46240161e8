import assert from "node:assert/strict";
import fc from "fast-check";
import { LinkedList, type ListNode } from "../../src/base/linked_list.ts";

Deno.test("LinkedList: has the length and the order of an array under appends and removals", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 20 })), (steps) => {
    const list = new LinkedList<number>();
    const nodes: ListNode<number>[] = [];
    let model: number[] = [];
    for (const [turn, step] of steps.entries()) {
      const node = nodes[step];
      if (node) {
        // Removing a node twice is removing it once.
        list.remove(node);
        model = model.filter((value) => value !== node.value);
        assert.equal(node.isLinked, false);
      } else {
        nodes.push(list.append(turn));
        model.push(turn);
      }
      assert.deepEqual([...list], model);
      assert.equal(list.length, model.length);
    }
  }));
});

Deno.test("LinkedList: the current node may be removed and others appended while iterating", () => {
  const list = new LinkedList<string>();
  const nodes = new Map(["a", "b", "c"].map((name) => [name, list.append(name)]));
  const seen: string[] = [];
  for (const name of list) {
    seen.push(name);
    const node = nodes.get(name);
    if (node) list.remove(node);
    if (name === "b") list.append("d");
  }
  assert.deepEqual(seen, ["a", "b", "c", "d"]);
  assert.deepEqual([...list], ["d"]);
});
