import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { distanceLabels, distanceTask } from "../../../lib/datasets/clevr/clevr_tasks.ts";
import { sceneOf } from "../../../lib/datasets/scenes/scene.ts";
import { patchDepths, scenes } from "../../../lib/datasets/scenes/scenes.ts";

Deno.test("scenes() counts what it drew", async () => {
  const done: number[] = [];
  const dataset = await scenes({ images: 20, size: 16, seed: 3, onProgress: (images) => done.push(images) });
  assertEquals(dataset.length, 20);
  assertEquals(dataset.classes, ["3", "4", "5", "6", "7", "8", "9", "10"]);
  assertEquals(done.at(-1), 20);
  dataset.scenes.forEach(({ objects }, i) => {
    assertEquals(dataset.counts[i], objects.length);
    assertEquals(dataset.classes[dataset.labels[i]], `${objects.length}`);
    assertEquals(dataset.closest[i], Math.min(...objects.map(({ depth }) => depth)));
  });
  const { pixels, labels } = await distanceTask(dataset).centred(Uint32Array.of(4, 9), 16);
  assertEquals(pixels, (await dataset.centred(Uint32Array.of(4, 9), 16)).pixels);
  assertEquals(labels, Int32Array.from([4, 9], (i) => distanceLabels(dataset.closest).labels[i]));
});

Deno.test("scenes() are the same at any size and number, and others for each seed and split", async () => {
  const few = await scenes({ images: 2, size: 16 }), more = await scenes({ images: 3, size: 24 });
  assertEquals(more.scenes.slice(0, 2), few.scenes);
  const others = await Promise.all(
    [{ seed: 1 }, { split: "test" } as const].map((key) => scenes({ images: 2, size: 16, ...key })),
  );
  for (const other of others) {
    for (const scene of other.scenes) few.scenes.forEach((own) => assertNotEquals(scene.camera, own.camera));
  }
});

Deno.test("scenes() takes a range of counts, and refuses what is none", async () => {
  const dataset = await scenes({ images: 6, size: 8, objects: [1, 2] });
  assertEquals(dataset.classes, ["1", "2"]);
  assert(dataset.scenes.every(({ objects }) => objects.length === 1 || objects.length === 2));
  for (const objects of [[0, 3], [4, 3], [1.5, 3]] as [number, number][]) {
    await assertRejects(() => scenes({ images: 1, size: 8, objects }), RangeError, "range of whole numbers");
  }
  await assertRejects(() => scenes({ images: -1, size: 8 }), RangeError, "got -1");
  await assertRejects(() => scenes({ images: 1, size: 0 }), RangeError, "whole pixels");
});

Deno.test("the scenes fall into all of VTAB's classes of distance, none of them rare", () => {
  const closest = Float64Array.from({ length: 400 }, (_, index) => {
    const { objects } = sceneOf({ seed: 0, split: 0, index }, [3, 10]);
    return Math.min(...objects.map(({ depth }) => depth));
  });
  const histogram = new Uint32Array(6);
  for (const label of distanceLabels(closest).labels) histogram[label]++;
  assert(histogram.every((images) => images > 0.05 * 400 && images < 0.3 * 400), `${histogram}`);
});

Deno.test("patchDepths() are between the camera and the wall, the nearest below what the closest object's are", async () => {
  const { scenes: drawn, closest } = await scenes({ images: 10, size: 8 });
  const depths = patchDepths(drawn, 8);
  assertEquals(depths.length, 10 * 64);
  assert(depths.every((depth) => depth > 3 && depth < 21), `${Math.min(...depths)} to ${Math.max(...depths)}`);
  // The floor before the objects is nearer than they are.
  closest.forEach((depth, i) => assert(Math.min(...depths.subarray(i * 64, (i + 1) * 64)) < depth));
});
