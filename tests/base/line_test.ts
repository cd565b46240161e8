import assert from "node:assert/strict";
import fc from "fast-check";
import { Line, type Place } from "../../src/base/line.ts";

Deno.test("a line is as long and in the order that joining and leaving made it", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 20 })), (steps) => {
    const line = new Line<number>();
    const places: Place<number>[] = [];
    let model: number[] = [];
    for (const [turn, step] of steps.entries()) {
      const place = places[step];
      if (place) {
        // Leaving twice is leaving once.
        line.leave(place);
        model = model.filter((value) => value !== place.value);
        assert.equal(place.isTaken, false);
      } else {
        places.push(line.join(turn));
        model.push(turn);
      }
      assert.deepEqual([...line], model);
      assert.equal(line.length, model.length);
    }
  }));
});

Deno.test("whoever is looked at may leave meanwhile, and others come", () => {
  const line = new Line<string>();
  const places = new Map(["a", "b", "c"].map((name) => [name, line.join(name)]));
  const seen: string[] = [];
  for (const name of line) {
    seen.push(name);
    const place = places.get(name);
    if (place) line.leave(place);
    if (name === "b") line.join("d");
  }
  assert.deepEqual(seen, ["a", "b", "c", "d"]);
  assert.deepEqual([...line], ["d"]);
});
