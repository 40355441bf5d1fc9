/** The published presets hold the paper's and the authors' numbers, copied by hand from both. */
import { assertEquals } from "@std/assert";
import { preset, type PRESETS } from "../../../lib/jepa/pretraining/presets.ts";

Deno.test("published presets are the runs as they were", () => {
  // Image, patch, width, depth, predictor's width and depth, epochs, epochs of warmup, first rate, images a GPU.
  const runs: Partial<Record<keyof typeof PRESETS, number[]>> = {
    "imagenet-b16": [224, 16, 768, 12, 384, 6, 600, 15, 1e-4, 128],
    "imagenet-l16": [224, 16, 1024, 24, 384, 12, 600, 15, 1e-4, 128],
    "imagenet-h14": [224, 14, 1280, 32, 384, 12, 300, 40, 2e-4, 128],
    "imagenet-h16-448": [448, 16, 1280, 32, 384, 12, 300, 40, 2e-4, 16],
    "imagenet22k-h14": [224, 14, 1280, 32, 384, 12, 66, 3, 1e-4, 32],
    "imagenet22k-g16": [224, 16, 1408, 40, 384, 16, 44, 3, 1e-4, 16],
  };
  for (const [name, numbers] of Object.entries(runs)) {
    const config = preset(name), { image, patch, width, depth, predictor } = config.architecture;
    const { start, peak, final, warmup } = config.learningRate;
    const warm = Math.round(warmup * config.epochs * 1e6) / 1e6;
    assertEquals(
      [
        ...[image, patch, width, depth, predictor.width, predictor.depth],
        config.epochs,
        warm,
        start,
        config.microBatch,
      ],
      numbers,
      name,
    );
    assertEquals([config.batch, peak, final, config.clip], [2048, 1e-3, 1e-6, Infinity], name);
    assertEquals(
      [config.weightDecay, config.momentum],
      [{ start: 0.04, final: 0.4 }, { start: 0.996, final: 1 }],
      name,
    );
    assertEquals(config.crop, { scale: [0.3, 1], aspect: [3 / 4, 4 / 3], interpolation: "bilinear" }, name);
    assertEquals([config.residualRescale, config.masks.sampler], [false, "multiBlockAsPublished"], name);
  }
});

Deno.test("small presets start and crop as they did before there was a choice", () => {
  for (const name of ["cifar10", "cifar10-long", "cifar10-bare", "cifar10-ablations", "scenes", "smoke"]) {
    assertEquals([preset(name).residualRescale, preset(name).crop.interpolation], [undefined, undefined], name);
  }
});
