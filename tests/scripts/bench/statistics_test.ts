import { deepStrictEqual, equal } from "node:assert/strict";
import { alternate, median, medianRatio, percentile } from "../../../scripts/bench/statistics.ts";

Deno.test("median: returns the middle value, or the mean of the two middle ones", () => {
  equal(median([10, 9, 100]), 10);
  equal(median([4, 1, 3, 2]), 2.5);
  equal(median([7]), 7);
  equal(median([]), NaN);
});

Deno.test("percentile: returns the value of the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  equal(percentile(hundred, 99), 99);
  equal(percentile(hundred, 50), 50);
  equal(percentile(hundred, 100), 100);
  equal(percentile([1000, 1, 2], 99), 1000);
  equal(percentile([5], 1), 5);
});

Deno.test("medianRatio: takes the median of the ratios within each round", () => {
  equal(medianRatio([5, 50, 60], [10, 100, 100]), 0.5);
});

Deno.test("alternate: measures A B A B and keeps the samples in the order of rounds", async () => {
  const order: string[] = [];
  const samples = await alternate(["a", "b", "c"], 2, (who) => {
    order.push(who);
    return Promise.resolve(order.length);
  });
  equal(order.join(""), "abcabc");
  deepStrictEqual(samples, [[1, 4], [2, 5], [3, 6]]);
});
