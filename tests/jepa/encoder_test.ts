import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { encode, encodeLayers, gatherTokens, patchify } from "../../lib/jepa/encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { product } from "../../lib/nn/layers.ts";
import { tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import {
  architecture,
  expected,
  initialNetworks,
  largestDifference,
  stepInputs,
} from "../training/reference/reference.ts";

Deno.test("patchify() cuts in raster order, channel by channel, and standardises as for ImageNet", () => {
  const pixels = Uint8Array.from({ length: 4 * 6 * 3 }, (_, i) => i * 3); // an image of 4 rows and 6 columns
  const patches = patchify(uint8Tensor(pixels, [1, 4, 6, 3]), 2);
  assertEquals(patches.shape, [1, 6, 12]);
  const at = (row: number, column: number, channel: number) => {
    const [mean, deviation] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]].map((values) => values[channel]);
    return (pixels[(row * 6 + column) * 3 + channel] / 255 - mean) / deviation;
  };
  const values = patches.arraySync() as number[][][];
  assertAlmostEquals(values[0][0][0], at(0, 0, 0), 1e-5);
  assertAlmostEquals(values[0][1][1], at(0, 3, 0), 1e-5); // second patch: one patch to the right
  assertAlmostEquals(values[0][1][2], at(1, 2, 0), 1e-5);
  assertAlmostEquals(values[0][3][4], at(2, 0, 1), 1e-5); // fourth patch: one row of patches down
  assertAlmostEquals(values[0][5][11], at(3, 5, 2), 1e-5);
});

Deno.test("patchify() standardises by another mean and deviation where they are given", () => {
  const pixels = uint8Tensor(Uint8Array.of(0, 51, 255), [1, 1, 1, 3]);
  const patches = patchify(pixels, 1, { mean: [0.5, 0.1, 0], deviation: [0.5, 0.1, 2] });
  [-1, 1, 0.5].forEach((x, i) => assertAlmostEquals(patches.dataSync()[i], x, 1e-6));
});

Deno.test("patchify() and a product are PyTorch's strided convolution", () => {
  const p = initialNetworks().contextEncoder;
  const weight = tf.reshape(p["patch_embed.proj.weight"], [16, -1]);
  const embedded = tf.add(product(patchify(stepInputs(0).pixels, 4), weight), p["patch_embed.proj.bias"]);
  assertLess(largestDifference(embedded, expected("embedded").values), 1e-5);
});

Deno.test("gatherTokens() takes each image's own tokens, block after block", () => {
  const x = tf.reshape(tf.range(0, 2 * 4 * 2), [2, 4, 2]); // image b, token n: [8b + 2n, 8b + 2n + 1]
  const indices = tf.tensor2d([[0, 3], [1, 2], [2, 2], [3, 0]], [4, 2], "int32"); // two blocks of two images
  const taken = gatherTokens(x, indices);
  assertEquals(taken.shape, [4, 2, 2]);
  assertEquals([...taken.dataSync()], [0, 1, 6, 7, 10, 11, 12, 13, 4, 5, 4, 5, 14, 15, 8, 9]);
});

Deno.test("gatherTokens() takes from one row for all images, as positions are", () => {
  const taken = gatherTokens(tf.tensor3d([[[5], [6], [7]]]), tf.tensor2d([[2, 0], [1, 1]], [2, 2], "int32"));
  assertEquals([...taken.dataSync()], [7, 5, 6, 6]);
});

Deno.test("gatherTokens() adds up the gradients of a token that is taken twice", () => {
  const indices = tf.tensor2d([[1, 1, 0]], [1, 3], "int32");
  const gradient = tf.grad((x) => tf.sum(gatherTokens(x, indices)))(tf.ones([1, 3, 1]));
  assertEquals([...gradient.dataSync()], [1, 2, 0]);
});

Deno.test("encode() of the context block is PyTorch's", () => {
  const { pixels, context } = stepInputs(0);
  const representation = encode(initialNetworks().contextEncoder, architecture, patchify(pixels, 4), context);
  assertEquals(representation.shape, [4, 6, 16]);
  assertLess(largestDifference(representation, expected("representation").values), 1e-5);
});

Deno.test("encode() with all patches named is encode() without masks", () => {
  const p = initialNetworks().contextEncoder, patches = patchify(stepInputs(0).pixels, 4);
  const every = tf.tile(tf.reshape(tf.range(0, 16, 1, "int32"), [1, 16]), [3, 1]) as tf.Tensor;
  const all = encode(p, architecture, patches);
  assertLess(largestDifference(encode(p, architecture, patches, every), all.dataSync()), 1e-6);
});

Deno.test("encodeLayers() are the encoders of fewer blocks with the same norm", () => {
  const size = { image: 8, patch: 4, width: 16, depth: 3, heads: 2, mlpRatio: 4 };
  const p = initialise(encoderShapes(size), 3, "xavier");
  tf.tidy(() => {
    const patches = tf.randomNormal([2, 4, 48], 0, 1, "float32", 5);
    const layers = encodeLayers(p, size, patches, 3);
    layers.forEach((layer, i) => {
      const expected = encode(p, { ...size, depth: i + 1 }, patches);
      assertEquals(layer.shape, [2, 4, 16]);
      assertLess(tf.max(tf.abs(tf.sub(layer, expected))).dataSync()[0], 1e-6);
    });
    assertEquals(encodeLayers(p, size, patches, 1).length, 1);
    assertThrows(() => encodeLayers(p, size, patches, 4), RangeError, "An encoder of 3 blocks has no last 4");
    assertThrows(() => encodeLayers(p, size, patches, 0), RangeError);
  });
  tf.dispose(p);
});

Deno.test("encode() takes the epsilon of its norms from the size", () => {
  const width = 4, zeros = (shape: number[]) => tf.zeros(shape) as tf.Tensor;
  // Blocks that add nothing: what comes out is the last norm of the positions, whose variance is 4.
  const p = Object.fromEntries(
    Object.entries(encoderShapes({ image: 1, patch: 1, width, depth: 1, heads: 1, mlpRatio: 1 }))
      .map(([name, shape]) => [name, zeros([...shape])]),
  );
  p["norm.weight"] = tf.ones([width]);
  p["pos_embed"] = tf.tensor3d([[[2, -2, 2, -2]]]);
  const size = { image: 1, patch: 1, width, depth: 1, heads: 1, mlpRatio: 1 };
  const first = (epsilon?: number) => encode(p, { ...size, epsilon }, zeros([1, 1, 3])).dataSync()[0];
  assertAlmostEquals(first(), 1, 1e-6);
  assertAlmostEquals(first(12), 2 / Math.sqrt(16), 1e-6);
});
