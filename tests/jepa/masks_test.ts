/** @module Tests of lib/jepa/masks.ts. */
import { assertEquals } from "@std/assert";
import { contextOf, maskHeatMaps, type MaskSampler, targetBlock } from "../../lib/jepa/masks.ts";
import { randomStream } from "../../lib/random.ts";

/** Two images on a 2 x 3 grid; image 0's two targets overlap in patch 2. */
const fixed: MaskSampler = () => ({
  batch: 2,
  blocks: 2,
  contextLength: 1,
  targetLength: 2,
  context: Int32Array.of(0, 5),
  targets: Int32Array.of(1, 2, 0, 1, 2, 5, 3, 4),
});

Deno.test("contextOf() and targetBlock() view one image's row", () => {
  const masks = fixed(2, randomStream(0));
  assertEquals([...contextOf(masks, 1)], [5]);
  assertEquals([...targetBlock(masks, 0, 1)], [0, 1]);
  assertEquals([...targetBlock(masks, 1, 0)], [2, 5]);
});

Deno.test("maskHeatMaps() counts images, not blocks", () => {
  const maps = maskHeatMaps(fixed, { grid: [2, 3], batches: 3, batch: 2, random: randomStream(0) });
  assertEquals(maps.images, 6);
  assertEquals([...maps.context], [3, 0, 0, 0, 0, 3]);
  assertEquals([...maps.targets], [3, 6, 3, 3, 3, 3]);
});
