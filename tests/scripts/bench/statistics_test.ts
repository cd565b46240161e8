import { deepStrictEqual, equal } from "node:assert/strict";
import { alternate, median, medianRatio, percentile } from "../../../scripts/bench/statistics.ts";

Deno.test("the median is the middle value, or the mean of the two middle ones, whatever the order", () => {
  equal(median([10, 9, 100]), 10);
  equal(median([4, 1, 3, 2]), 2.5);
  equal(median([7]), 7);
  equal(median([]), NaN);
});

Deno.test("a percentile is a value that was seen, by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  equal(percentile(hundred, 99), 99);
  equal(percentile(hundred, 50), 50);
  equal(percentile(hundred, 100), 100);
  equal(percentile([1000, 1, 2], 99), 1000);
  equal(percentile([5], 1), 5);
});

Deno.test("a ratio is the median of the ratios within each round, so that a slow round of both does not count", () => {
  equal(medianRatio([5, 50, 60], [10, 100, 100]), 0.5);
});

Deno.test("contenders are measured in turn, and each one's samples are kept in the order of the rounds", async () => {
  const order: string[] = [];
  const samples = await alternate(["a", "b", "c"], 2, (who) => {
    order.push(who);
    return Promise.resolve(order.length);
  });
  equal(order.join(""), "abcabc");
  deepStrictEqual(samples, [[1, 4], [2, 5], [3, 6]]);
});
