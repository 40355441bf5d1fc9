/** @module Tests of lib/jepa/mask_samplers/by_name.ts. */
import { assertEquals, assertThrows } from "@std/assert";
import { type MaskConfig, maskSampler } from "../../../lib/jepa/mask_samplers/by_name.ts";
import { randomStream } from "../../../lib/random.ts";
import { PRESETS } from "../../../lib/jepa/pretraining/presets.ts";

Deno.test("maskSampler() makes the sampler of every preset, with all the options that a sampler has", () => {
  for (const { masks, architecture } of Object.values(PRESETS)) {
    const side = architecture.image / architecture.patch;
    assertEquals(maskSampler(masks, [side, side])(2, randomStream(0)).batch, 2);
  }
  const all: MaskConfig = {
    ...{ sampler: "multiBlock", blocks: 2, targetScale: [0.15, 0.2], targetAspect: [0.75, 1.5], contextScale: [1, 1] },
    ...{ contextLength: 20, contextQuantile: 0.1, surplus: "random" },
  };
  assertEquals(maskSampler(all, [8, 8])(2, randomStream(0)).contextLength, 20);
});

Deno.test("maskSampler() refuses options that a sampler does not have, as a file of before may hold", () => {
  const of = (config: object) => () => maskSampler(config as MaskConfig, [16, 16]);
  const options = "its options are blocks, targetScale, targetAspect, contextScale, minKeep.";
  assertThrows(
    of({ sampler: "multiBlockAsPublished", minKeep: 4, bucket: 8 }),
    RangeError,
    `The mask sampler multiBlockAsPublished does not take bucket: ${options}`,
  );
  assertThrows(
    of({ sampler: "rasterizedQuadrants", blocks: 3 }),
    RangeError,
    "does not take blocks: it has no options.",
  );
  assertThrows(of({ sampler: "blocks" }), RangeError, 'No mask sampler is called "blocks"');
});
