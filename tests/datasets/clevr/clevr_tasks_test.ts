import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  countLabels,
  countTask,
  distanceLabels,
  distanceTask,
  withLabels,
} from "../../../lib/datasets/clevr/clevr_tasks.ts";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";

Deno.test("countLabels() has VTAB's eight classes, three objects first", () => {
  const { labels, classes } = countLabels(Int32Array.of(3, 10, 7));
  assertEquals(labels, Int32Array.of(0, 7, 4));
  assertEquals(classes.length, 8);
  assertEquals(countLabels(Int32Array.of(2), [1, 2]).classes, ["1", "2"]);
  for (const count of [2, 11]) {
    assertThrows(() => countLabels(Int32Array.of(5, count)), RangeError, `Image 1 shows ${count} objects`);
  }
});

Deno.test("distanceLabels() cuts where VTAB does; what lies on a cut belongs below it", () => {
  // VTAB: the last of the thresholds 0, 8, 8.5, 9, 9.5, 10, 100 that is less than the distance.
  const table: [number, number][] = [
    ...[[0.1, 0], [7.99, 0], [8, 0], [8.000001, 1], [8.5, 1], [8.51, 2], [9, 2], [9.01, 3], [9.5, 3]],
    ...[[9.6, 4], [10, 4], [10.1, 5], [99, 5], [100, 5]],
  ] as [number, number][];
  const { labels, classes } = distanceLabels(Float64Array.from(table, ([distance]) => distance));
  assertEquals(labels, Int32Array.from(table, ([, label]) => label));
  assertEquals(classes.length, 6);
  for (const distance of [0, -1, 100.5, NaN]) {
    assertThrows(() => distanceLabels(Float64Array.of(9, distance)), RangeError, `Image 1's closest object is at`);
  }
});

function threeImages() {
  const images = memoryDataset({
    ...{ name: "three", classes: [], width: 2, height: 2, labels: new Int32Array(3).fill(-1) },
    pixels: Uint8Array.from({ length: 36 }, (_, i) => i),
  });
  return { ...images, counts: Int32Array.of(4, 3, 10), closest: Float64Array.of(8.2, 12, 7) };
}

Deno.test("countTask() and distanceTask() label the same images for both tasks", async () => {
  const dataset = threeImages(), indices = Uint32Array.of(2, 0);
  const count = countTask(dataset), distance = distanceTask(dataset);
  assertEquals([count.name, distance.name], ["three, count", "three, distance"]);
  assertEquals([count.labels, distance.labels], [Int32Array.of(1, 0, 7), Int32Array.of(1, 5, 0)]);
  const own = await dataset.centred(indices, 2);
  assertEquals(await count.centred(indices, 2), { ...own, labels: Int32Array.of(7, 1) });
  const crop = { scale: [0.3, 1] as [number, number], aspect: [1, 1] as [number, number] };
  const crops = await distance.crops(indices, 2, crop, { seed: 0, epoch: 1 });
  assertEquals(crops.labels, Int32Array.of(0, 1));
  assertEquals(crops.pixels, (await dataset.crops(indices, 2, crop, { seed: 0, epoch: 1 })).pixels);
});

Deno.test("withLabels() needs a label for each image, and the image of each label", async () => {
  const task = { labels: new Int32Array(2), classes: ["a"] };
  assertThrows(() => withLabels(threeImages(), task, "x"), RangeError, "three has 3 images, but there are 2 labels");
  const lenient: Dataset = { ...threeImages(), skipped: ["bad.png"] };
  const labelled = withLabels(lenient, { labels: new Int32Array(3), classes: ["a"] }, "x");
  await assertRejects(() => labelled.centred(Uint32Array.of(0), 2), Error, "bad.png cannot be read");
});
