import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { drawPaths, dropRates } from "../../../lib/evaluation/fine_tuning/drop_path.ts";
import { randomStream } from "../../../lib/random.ts";
import fixture from "../fixtures/mixing.json" with { type: "json" };

Deno.test("dropRates() are timm's", () => {
  for (const [depth, rates] of Object.entries(fixture.dropRates)) {
    const own = dropRates(0.25, Number(depth));
    assertEquals(own.length, rates.length);
    own.forEach((rate, i) => assertAlmostEquals(rate, rates[i], 1e-7));
  }
});

Deno.test("drawPaths() leaves branches out as often as their block's rate says, and counts the others for more", () => {
  const depth = 3, batch = 5000, paths = drawPaths(0.4, depth, batch, randomStream(4));
  assertEquals(paths.length, depth * 2 * batch);
  for (let branch = 0; branch < 2 * depth; branch++) {
    const own = paths.subarray(branch * batch, (branch + 1) * batch), rate = [0, 0.2, 0.4][branch >> 1];
    const left = own.filter((share) => share === 0).length;
    assert(Math.abs(left / batch - rate) < 0.03, `${left} of branch ${branch}`);
    for (const share of own) assert(share === 0 || share === Math.fround(1 / (1 - rate)));
  }
  assertAlmostEquals(
    fixture.keptShare,
    drawPaths(0.2, 2, 50, randomStream(0)).subarray(100).reduce((a, b) => Math.max(a, b)),
    1e-6,
  );
  assertEquals(drawPaths(0.4, 3, 8, randomStream(4)), drawPaths(0.4, 3, 8, randomStream(4)));
});
