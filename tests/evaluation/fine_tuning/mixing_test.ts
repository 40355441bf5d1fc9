import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { smoothedCrossEntropy } from "../../../lib/evaluation/fine_tuning/fine_tune_loss.ts";
import { betaDraw, cutmixShares, drawShares, mixed, mixupShares } from "../../../lib/evaluation/fine_tuning/mixing.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import fixture from "../fixtures/mixing.json" with { type: "json" };

const { side, labels, pixels } = fixture;

for (const { lambda, centre, mixed: expected, logits, loss } of fixture.cases) {
  const name = centre ? `CutMix of ${lambda} about ${centre}` : `mixup of ${lambda}`;
  Deno.test(`mixed() and smoothedCrossEntropy() give timm's images and loss: ${name}`, () => {
    const shares = centre ? cutmixShares(lambda, centre as [number, number], side) : mixupShares(lambda, side);
    const images = tf.tensor4d(pixels, [4, side, side, 3]);
    const own = mixed(images, tf.tensor3d(shares, [side, side, 1])).dataSync();
    assertLess(Math.max(...own.map((value, i) => Math.abs(value - expected[i]))), 1e-4);
    const share = tf.mean(tf.tensor1d(shares));
    const ours = smoothedCrossEntropy(tf.tensor2d(logits), tf.tensor1d(labels, "int32"), 0.1, share);
    assertAlmostEquals(ours.dataSync()[0], loss, 1e-5);
  });
}

Deno.test("betaDraw() has the mean and the variance of Beta(alpha, alpha)", () => {
  for (const alpha of [0.8, 1, 2]) {
    const random = randomStream(1), draws = Array.from({ length: 20_000 }, () => betaDraw(alpha, random));
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    assertAlmostEquals(mean, 0.5, 0.01);
    assertAlmostEquals(variance, 1 / (4 * (2 * alpha + 1)), 0.003);
    assert(draws.every((x) => x >= 0 && x <= 1));
  }
});

Deno.test("drawShares() switches between the two half of the time, takes one where the other is off, and none of none", () => {
  const draw = (mixup: number, cutmix: number, i: number) => drawShares({ mixup, cutmix }, 16, randomStream(3, i));
  const cuts = (shares: Float32Array) => shares.every((share) => share === 0 || share === 1);
  const both = Array.from({ length: 400 }, (_, i) => cuts(draw(0.8, 1, i))).filter((cut) => cut).length;
  assert(both > 150 && both < 250, `${both}`);
  for (let i = 0; i < 20; i++) {
    assert(cuts(draw(0, 1, i)));
    assert(!cuts(draw(0.8, 0, i)));
    assertEquals(new Set(draw(0, 0, i)), new Set([1]));
  }
  assertEquals(draw(0.8, 1, 7), draw(0.8, 1, 7));
});
