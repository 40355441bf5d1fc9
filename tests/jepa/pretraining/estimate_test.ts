import { assertAlmostEquals, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { totalFlops } from "../../../lib/jepa/flops.ts";
import {
  cpuDevice,
  DEVICES,
  estimateMasks,
  estimateRun,
  impliedShare,
} from "../../../lib/jepa/pretraining/estimate.ts";
import { preset } from "../../../lib/jepa/pretraining/presets.ts";

const h14 = preset("imagenet-h14");
const onA100 = { images: 1_281_167, devices: 16, device: DEVICES.a100, share: 0.2 };

Deno.test("estimateMasks() of the paper's sampler on 16 x 16 keep a quarter of the patches as context", () => {
  const { drawn, longest, padding } = estimateMasks(h14, 128);
  assertAlmostEquals(drawn.contextLength / 256, 0.27, 0.01);
  assertGreater(drawn.targetLength, 0.15 * 256 * 0.9);
  assertLess(drawn.targetLength, 0.2 * 256);
  assertGreater(longest.contextLength, drawn.contextLength);
  assertGreater(padding, 0);
  assertLess(padding, 0.15);
});

Deno.test("estimateMasks() of lengths that stay the same need no padding", () => {
  const { drawn, longest, padding } = estimateMasks(preset("cifar10"), 128);
  assertEquals(drawn, { contextLength: 20, targetLength: 12, blocks: 4 });
  assertEquals(longest, drawn);
  assertEquals(padding, 0);
});

Deno.test("estimateRun() of the paper's ViT-H/14: its parameters, its steps, and hours by the share of the peak", () => {
  const { parameters, steps, reduced, kept, recomputed } = estimateRun(h14, onA100);
  assertAlmostEquals(parameters.encoder / 1e6, 632, 2);
  assertEquals(steps, 300 * 625);
  assertAlmostEquals(reduced / 1e9, 2.6, 0.05);
  assertAlmostEquals(kept.seconds, steps * kept.secondsPerStep, 1e-6 * kept.seconds);
  assertAlmostEquals(kept.secondsPerStep, 2048 * kept.flops / (16 * 312e12 * 0.2), 1e-9);
  assertGreater(recomputed.seconds, 1.1 * kept.seconds);
  assertGreater(recomputed.largestMicroBatch, 4 * kept.largestMicroBatch);
  // What the preset says of itself.
  assertEquals([kept.fits, recomputed.fits, h14.recompute], [false, true, true]);
});

Deno.test("estimateRun() of two crops an image counts the steps that the run makes", () => {
  const options = { images: 50_000, devices: 1, device: cpuDevice(2, 16e9), share: 0.7 };
  assertEquals(estimateRun(preset("cifar10-long"), options).steps, 7810); // as weights/cifar10 did
  assertThrows(() => estimateRun(preset("cifar10"), { ...options, images: 100 }), RangeError, "fewer than a batch");
});

Deno.test("impliedShare() turns an estimate around", () => {
  const { kept } = estimateRun(h14, onA100), { flops, padding } = estimateMasks(h14, 128);
  const perImage = totalFlops({ ...flops, recomputed: 0 }) * (1 + padding);
  const run = { images: 2048 * 187_500, seconds: kept.seconds, devices: 16, peak: 312e12 };
  assertAlmostEquals(impliedShare(perImage, run), 0.2, 1e-6);
});

Deno.test("estimateRun() on a CPU comes near what ViT-S/16 took there", () => {
  const { architecture } = preset("imagenet-b16");
  const size = { ...architecture, width: 384, heads: 6, predictor: { width: 384, depth: 6, heads: 6 } };
  const masks = { sampler: "multiBlock", contextLength: 64 } as const; // blocks of 30, as in `deno task bench`
  for (const [precision, measured] of [["float32", 4.21], ["bfloat16", 7.42]] as const) {
    const config = { ...h14, architecture: size, masks, batch: 16, precision };
    const { kept } = estimateRun(config, { images: 1000, devices: 1, device: cpuDevice(2, 16e9), share: 0.7 });
    assertAlmostEquals(16 / kept.secondsPerStep, measured, 0.15 * measured, precision);
  }
});

Deno.test("estimateRun() refuses what cannot be shared out evenly", () => {
  const message = "A batch of 2048 images cannot be shared out evenly to 3 devices.";
  assertThrows(() => estimateRun(h14, { ...onA100, devices: 3 }), RangeError, message);
  const uneven = "A device's 128 images cannot be worked on 48 at once: name a divisor.";
  assertThrows(() => estimateRun(h14, { ...onA100, microBatch: 48 }), RangeError, uneven);
});
