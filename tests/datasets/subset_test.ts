import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { drawFraction, drawPerClass, readSubset, subsetOf } from "../../lib/datasets/subset.ts";

/** Labels of classes of these sizes, mixed. */
function labelsOf(...sizes: number[]): Int32Array {
  const labels = sizes.flatMap((size, label) => Array.from({ length: size }, () => label));
  return Int32Array.from(labels, (_, i) => labels[(i * 7919) % labels.length]);
}

/** How many of the images at `indices` each class has. */
function counts(labels: Int32Array, indices: Uint32Array, classes: number): number[] {
  const count = new Array(classes).fill(0);
  for (const index of indices) count[labels[index]]++;
  return count;
}

const isRising = (indices: Uint32Array) => indices.every((index, i) => i === 0 || indices[i - 1] < index);

Deno.test("drawPerClass() draws as many of each class, by the seed, and more of a class are these and others", () => {
  const labels = labelsOf(30, 20, 13);
  const two = drawPerClass(labels, 2, 5), ten = drawPerClass(labels, 10, 5);
  assertEquals(counts(labels, two, 3), [2, 2, 2]);
  assertEquals(counts(labels, ten, 3), [10, 10, 10]);
  assert(isRising(ten));
  assert(two.every((index) => ten.includes(index)));
  assertEquals(drawPerClass(labels, 2, 5), two);
  assertNotEquals(drawPerClass(labels, 2, 6), two);
  assertEquals(counts(labels, drawPerClass(labels, 13, 0), 3), [13, 13, 13]);
});

Deno.test("drawPerClass() draws every image of a class equally often", () => {
  const labels = labelsOf(10), drawn = new Array(10).fill(0);
  for (let seed = 0; seed < 2000; seed++) for (const index of drawPerClass(labels, 3, seed)) drawn[index]++;
  // Binomial with 2000 x 0.3: the deviation is 20.5.
  for (const times of drawn) assert(Math.abs(times - 600) < 90, `${drawn}`);
});

Deno.test("drawPerClass() refuses what it cannot draw", () => {
  const labels = labelsOf(30, 20, 13);
  assertThrows(() => drawPerClass(labels, 14, 0), RangeError, "Class 2 has 13 images, fewer than the 14");
  assertThrows(() => drawPerClass(Int32Array.of(0, 2), 1, 0), RangeError, "Class 1 has 0 images, fewer than the 1");
  assertThrows(() => drawPerClass(Int32Array.of(0, -1), 1, 0), RangeError, "Image 1 has no label");
  assertThrows(() => drawPerClass(new Int32Array(0), 1, 0), RangeError, "no images");
  for (const perClass of [0, 1.5, NaN]) {
    assertThrows(() => drawPerClass(labels, perClass, 0), RangeError, "whole number");
  }
});

Deno.test("drawFraction() of 1 % of ImageNet's class sizes is 12 or 13 of each", () => {
  // 1,281,167 images in 1000 classes of 732 to 1300; most have 1300.
  const sizes = Array.from({ length: 1000 }, (_, i) => i < 895 ? 1300 : 732 + Math.round(568 * (i - 895) / 104));
  sizes[895] += 1_281_167 - sizes.reduce((sum, size) => sum + size, 0);
  const labels = Int32Array.from(sizes.flatMap((size, label) => new Array(size).fill(label)));
  const drawn = drawFraction(labels, 0.01, 3);
  assertEquals(labels.length, 1_281_167);
  assertEquals(drawn.length, 12_812);
  const count = counts(labels, drawn, 1000);
  assertEquals([count.filter((n) => n === 12).length, count.filter((n) => n === 13).length], [188, 812]);
  assertNotEquals(counts(labels, drawFraction(labels, 0.01, 4), 1000), count);
});

Deno.test("drawFraction() takes all at 1, and refuses shares that are none or too small", () => {
  const labels = labelsOf(5, 5);
  assertEquals(drawFraction(labels, 1, 0), Uint32Array.from({ length: 10 }, (_, i) => i));
  for (const share of [0, -1, 1.01, NaN]) assertThrows(() => drawFraction(labels, share, 0), RangeError, "(0, 1]");
  assertThrows(() => drawFraction(labels, 0.1, 0), RangeError, "10 % of 10 images are 1, fewer than the 2 classes");
  const uneven = labelsOf(9, 1, 6);
  assertEquals(counts(uneven, drawFraction(uneven, 0.5, 0), 3).toSorted(), [1, 3, 4], "the small class gives all");
  assertEquals(drawFraction(uneven, 1, 0).length, 16);
});

/** Runs `test` with a list file of this text. */
async function withList(text: string, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

const PATHS = ["/in/train/n01/n01_4.JPEG", "/in/train/n01/n01_10.JPEG", "/in/train/n02/n02_1.JPEG", "/in/x/n02_7.JPEG"];

Deno.test("readSubset() finds a list's names among the images, whatever ends its lines", () =>
  withList("n02_1.JPEG\r\nn01_4.JPEG\n\nn02/n02_7.JPEG", async (list) => {
    assertEquals(await readSubset(list, PATHS), Uint32Array.of(0, 2, 3));
  }));

Deno.test("readSubset() counts and names what is missing, double or ambiguous", async () => {
  const gone = Array.from({ length: 5 }, (_, i) => `n09_${i}.JPEG\n`).join("");
  await withList(`n01_4.JPEG\n${gone}`, async (list) => {
    const message = `${list}: of its 6 names 5 are not among the 4 images (n09_0.JPEG, n09_1.JPEG, n09_2.JPEG, ...).`;
    await assertRejects(() => readSubset(list, PATHS), Error, message);
  });
  await withList("n01_4.JPEG\nn02_1.JPEG\nn01_4.JPEG\n", async (list) => {
    await assertRejects(() => readSubset(list, PATHS), Error, "of its 3 names 1 come more than once (n01_4.JPEG).");
  });
  await withList("1.png\n", async (list) => {
    await assertRejects(() => readSubset(list, ["a/1.png", "b/1.png"]), Error, "1 are names of more than one image");
  });
  await withList(" \n\n", async (list) => {
    await assertRejects(() => readSubset(list, PATHS), Error, `${list} names no image`);
  });
  await assertRejects(() => readSubset("/no/list.txt", PATHS), Error, "The list of images /no/list.txt cannot be read");
});

Deno.test("subsetOf() has the images' pixels, labels and crops of the whole", async () => {
  const pixels = Uint8Array.from({ length: 5 * 192 }, (_, i) => (i * 7919) >> 3);
  const labels = Int32Array.of(0, 1, 1, 0, 2), classes = ["a", "b", "c"];
  const whole = memoryDataset({ name: "all", classes, pixels, width: 8, height: 8, labels });
  const part = subsetOf(whole, Uint32Array.of(4, 1));
  assertEquals([part.name, part.length, part.classes], ["2 of all", 2, classes]);
  assertEquals(part.labels, Int32Array.of(2, 1));
  assertEquals(part.paths, undefined);
  const crop = { scale: [0.3, 1], aspect: [1, 1] } as { scale: [number, number]; aspect: [number, number] };
  const key = { seed: 1, epoch: 2 };
  assertEquals(await part.centred(Uint32Array.of(1), 8), await whole.centred(Uint32Array.of(1), 8));
  assertEquals(
    await part.crops(Uint32Array.of(1, 0), 4, crop, key),
    await whole.crops(Uint32Array.of(1, 4), 4, crop, key),
  );
  const paths = ["a.png", "b.png", "c.png", "d.png", "e.png"];
  assertEquals(subsetOf({ ...whole, paths }, Uint32Array.of(4, 1)).paths, ["e.png", "b.png"]);
  await assertRejects(
    () => part.centred(Uint32Array.of(2), 8),
    RangeError,
    "2 of all has 2 images; there is no image 2",
  );
  assertThrows(() => subsetOf(whole, Uint32Array.of(5)), RangeError, "all has 5 images; there is no image 5");
  assertThrows(() => subsetOf(whole, Uint32Array.of(1, 1)), RangeError, "twice");
});
