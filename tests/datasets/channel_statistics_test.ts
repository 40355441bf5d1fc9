import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { measureChannels, normalisationOf, standardisedPreprocessing } from "../../lib/datasets/channel_statistics.ts";
import { memoryDataset } from "../../lib/datasets/memory.ts";

/** 120 images of 2 x 2 pixels: the first channel 0 in half of them and 10 in the others, the second 1, 2, 3 and 4. */
const images = (blue: number) =>
  memoryDataset({
    name: "squares",
    classes: ["only"],
    pixels: Uint8Array.from(
      { length: 120 * 12 },
      (_, i) => [10 * (Math.floor(i / 12) % 2), Math.floor(i / 3) % 4 + 1, blue * (i % 2)][i % 3],
    ),
    width: 2,
    height: 2,
    labels: new Int32Array(120),
  });

Deno.test("measureChannels() gives each channel's mean and deviation, in the files' numbers", async () => {
  const { mean, deviation } = await measureChannels(images(200), 2);
  assertEquals(mean, [5, 2.5, 100]);
  [5, Math.sqrt(1.25), 100].forEach((value, channel) => assertAlmostEquals(deviation[channel], value, 1e-9));
  assertEquals(normalisationOf({ mean: [510], deviation: [51] }), { mean: [2], deviation: [0.2] });
  assertEquals(standardisedPreprocessing(8, { mean: [255], deviation: [255] }), {
    ...{ resize: 8, crop: 8, interpolation: "bicubic", mean: [1], deviation: [1] },
  });
});

Deno.test("measureChannels() names a channel that is the same everywhere", async () => {
  await assertRejects(() => measureChannels(images(0), 2), Error, "Channel 2 of squares is 0 everywhere, and has no");
});
