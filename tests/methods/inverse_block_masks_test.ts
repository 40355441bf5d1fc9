import { assert, assertEquals, assertThrows } from "@std/assert";
import { inverseBlockMasks } from "../../lib/methods/parts/inverse_block_masks.ts";
import { randomStream } from "../../lib/random.ts";

Deno.test("inverseBlockMasks() keep a fifth of the patches in blocks, and place each patch once", () => {
  const grid = [14, 14] as const,
    { visibleLength, visible, places } = inverseBlockMasks({ grid, hidden: 0.8 })(
      200,
      randomStream(1),
    );
  assertEquals(visibleLength, 39); // of 196
  const pairs = { visible: 0, random: 0 }, order = randomStream(2);
  for (let m = 0; m < 200; m++) {
    const shown = [...visible.subarray(m * 39, (m + 1) * 39)], own = [...places.subarray(m * 196, (m + 1) * 196)];
    assertEquals([...own].sort((a, b) => a - b), Array.from({ length: 196 }, (_, n) => n));
    assertEquals(shown.map((patch) => own[patch]), Array.from({ length: 39 }, (_, n) => n));
    const right = (patches: number[]) => patches.filter((n) => n % 14 < 13 && patches.includes(n + 1)).length;
    pairs.visible += right(shown);
    pairs.random += right(Array.from({ length: 39 }, () => order.integer(196)));
  }
  // Two thirds of a block's patches have a visible one to their right.
  assert(pairs.visible > 2.5 * pairs.random, JSON.stringify(pairs));
});

Deno.test("inverseBlockMasks() fill a small grid up to the same length, and refuse to hide all or nothing", () => {
  const { visibleLength, visible } = inverseBlockMasks({ grid: [4, 4], hidden: 0.8 })(5, randomStream(1));
  assertEquals(visibleLength, 3);
  assertEquals(visible.length, 15);
  for (const hidden of [0, 1, 0.99]) {
    assertThrows(() => inverseBlockMasks({ grid: [4, 4], hidden }), RangeError, "patches leaves");
  }
});
