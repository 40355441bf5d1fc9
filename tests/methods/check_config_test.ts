import { assertEquals, assertThrows } from "@std/assert";
import { fromJson, toJson } from "../../lib/json.ts";
import { checkConfig } from "../../lib/methods/check_config.ts";
import { PRESETS } from "../../lib/methods/methods.ts";

Deno.test("checkConfig() takes every preset, as it is and as config.json keeps it, and the runs that ship", async () => {
  for (const [name, preset] of Object.entries(PRESETS)) {
    checkConfig(preset, name);
    checkConfig(fromJson(toJson(preset)), name);
  }
  for (const name of ["cifar10", "scenes"]) {
    checkConfig(fromJson(await Deno.readTextFile(`weights/${name}/config.json`)), name);
  }
});

/** A preset with the value at a path changed. */
function changed(preset: string, path: string, value: unknown): unknown {
  const copy = fromJson<Record<string, unknown>>(toJson(PRESETS[preset])), names = path.split("."), last = names.pop()!;
  names.reduce((parent, name) => (parent[name] ??= {}) as Record<string, unknown>, copy)[last] = value;
  return copy;
}

Deno.test("checkConfig() says in one sentence what is wrong, where, and what it must be", () => {
  const cases: [string, string, unknown, string][] = [
    ["cifar10", "masks.bloks", 1, "masks.bloks is not known (did you mean masks.blocks?): masks has sampler, blocks, "],
    [
      "cifar10",
      "predictor.depth",
      1,
      "predictor is not known (did you mean architecture.predictor?): a configuration has",
    ],
    ["cifar10", "decoder", {}, "decoder is not known: a configuration has method, architecture, "],
    ["cifar10", "method", "mea", 'method must be "ijepa", "mae", '],
    ["cifar10", "learningRate.peak", 0, "learningRate.peak must be a number above 0; got 0."],
    ["cifar10", "learningRate.warmup", 1, "learningRate.warmup must be a number of at least 0 and below 1; got 1."],
    ["cifar10", "momentum.start", 1.2, "momentum.start must be a number of at least 0 and at most 1; got 1.2."],
    ["cifar10", "weightDecay.final", -1, "weightDecay.final must be a number of at least 0; got -1."],
    ["cifar10", "crop.scale", [0.3, 1.5], "crop.scale must be [min, max] with 0 < min <= max <= 1; got [0.3,1.5]."],
    ["cifar10", "batch", 12.5, "batch must be a whole number of at least 1; got 12.5."],
    ["cifar10", "microBatch", 48, "A batch of 128 images cannot be cut into micro-batches of 48."],
    ["cifar10", "epochs", "3", 'epochs must be a number above 0; got "3".'],
    ["cifar10", "seed", 0.5, "seed must be a whole number of at least 0; got 0.5."],
    ["cifar10", "clip", null, "clip must be a number above 0, or Infinity for none; got null."],
    ["cifar10", "targets", "pixel", 'targets must be "representations", "pixels" or "maskedInput"; got "pixel".'],
    ["cifar10", "regulariser.variance", undefined, "regulariser.variance is missing."],
    ["cifar10", "masks.surplus", "edges", 'masks.surplus must be "edge" or "random"; got "edges".'],
    ["cifar10", "masks.minKeep", 4, "The mask sampler multiBlock does not take minKeep: its options are blocks,"],
    [
      "cifar10",
      "masks.sampler",
      "random",
      "The mask sampler random does not take contextLength: its options are targetScale.",
    ],
    ["cifar10", "masks.contextLength", 60, "contextLength 60 is too long: 4 target blocks of 12 patches"],
    ["cifar10", "architecture.patch", 5, "architecture.patch must divide architecture.image, which is 32; got 5."],
    ["cifar10", "architecture.heads", 3, "architecture.heads must divide architecture.width, which is 128; got 3."],
    [
      "cifar10",
      "architecture.predictor.heads",
      3,
      "architecture.predictor.heads must divide architecture.predictor.width,",
    ],
    [
      "cifar10",
      "architecture.predictor",
      { width: 6, depth: 1, heads: 1 },
      "architecture.predictor.width must be a multiple",
    ],
    ["mae-cifar10", "maskRatio", 1, "maskRatio must be a number above 0 and below 1; got 1."],
    ["mae-cifar10", "maskRatio", 0.999, "targetScale 0.999 leaves no patches for the context"],
    ["mae-cifar10", "masks", {}, "masks is not known: a configuration has method, architecture, "],
    ["simmim-cifar10", "square", 3, "cannot be hidden in squares of 3 patches."],
    ["data2vec-cifar10", "layers", 9, "layers must be at most architecture.depth, 4; got 9."],
    ["lejepa-cifar10", "lambda", 2, "lambda must be a number of at least 0 and at most 1; got 2."],
    ["vicreg-cifar10", "views", 3, "views must be 2; got 3."],
    [
      "dino-cifar10",
      "local.view",
      3,
      "local.view is not known (did you mean local.views?): local has views, size, crop.",
    ],
  ];
  for (const [preset, path, value, sentence] of cases) {
    const { message } = assertThrows(() => checkConfig(changed(preset, path, value)), RangeError, sentence);
    assertEquals(message.split("\n").length, 1);
  }
  for (const nothing of [null, 3, [], "cifar10"]) {
    assertThrows(
      () => checkConfig(nothing, "a/config.json"),
      RangeError,
      "a/config.json: a configuration must be an object",
    );
  }
});
