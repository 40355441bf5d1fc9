import "../tensorflow/loaded.ts";
import { assert, assertThrows } from "@std/assert";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { encode, rotationAt } from "../../lib/jepa/encoder.ts";
import { rotaryAngles, type RotaryPairing, rotate } from "../../lib/nn/rotary.ts";
import { parametersOf } from "../../lib/nn/initialisation.ts";
import { randomStream } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

const size = { image: 12, patch: 4, frames: 6, tubelet: 2, width: 32, depth: 2, heads: 2, mlpRatio: 2 };
const random = randomStream(0), drawn = (count: number) => Float32Array.from({ length: count }, () => random.normal());

/** Two tokens' places, and both one step later in time, down and across: 13 places on. */
const PLACES = [[0, 4], [13, 17]];

/** How far the products of a query and a key at these places lie apart, before and after the step. */
function productsDiffer(rotary: RotaryPairing): number {
  return tf.tidy(() => {
    const vectors = tf.tensor4d(drawn(2 * 16), [1, 1, 2, 16]);
    const products = PLACES.map((places) => {
      const turned = rotate(vectors, rotationAt({ ...size, rotary }, 16, tf.tensor2d([places], [1, 2], "int32"))!);
      return tf.matMul(turned, turned, false, true);
    });
    return tf.max(tf.abs(tf.sub(products[0], products[1]))).dataSync()[0];
  });
}

Deno.test("with interleaved frequencies products depend on how far tokens are apart alone; with tiled ones they do not", () => {
  assert(productsDiffer("interleaved") < 1e-5);
  assert(productsDiffer("tiled") > 1e-2);
});

Deno.test("the gradient of a rotation is the rotation back", () => {
  tf.tidy(() => {
    const vectors = tf.tensor4d(drawn(32), [1, 1, 2, 16]), dy = tf.tensor4d(drawn(32), [1, 1, 2, 16]);
    const { cos, sin } = rotationAt({ ...size, rotary: "interleaved" }, 16, tf.tensor2d([PLACES[1]], [1, 2], "int32"))!;
    const gradient = tf.grad((x: tf.Tensor) => rotate(x, { cos, sin }))(vectors, dy);
    assert(tf.max(tf.abs(tf.sub(gradient, rotate(dy, { cos, sin: tf.neg(sin) })))).dataSync()[0] < 1e-5);
  });
});

Deno.test("heads that cannot be turned are refused in one sentence", () => {
  const why = "Rotary positions need heads of an even number of numbers, 6 or more; got 9.";
  assertThrows(() => rotaryAngles([1, 1, 1], 9, "tiled"), RangeError, why);
});

Deno.test("an encoder that sees some tokens turns them by their own places", () => {
  const parameters = parametersOf(encoderShapes({ ...size, rotary: "interleaved" }), (_, shape) => {
    return drawn(shape.reduce((a, b) => a * b)).map((x) => 0.3 * x);
  });
  const two = tf.tensor3d(drawn(2 * 96), [1, 2, 96]), none = (count: number) => tf.zeros([1, count, 96]);
  const [first, second] = tf.split(two, 2, 1);
  // The same two tubelets at both pairs of places.
  const tokens = tf.concat([first, none(3), second, none(8), first, none(3), second, none(9)], 1);
  const encoded = PLACES.map((places) =>
    encode(parameters, { ...size, rotary: "interleaved" }, tokens, tf.tensor2d([places], [1, 2], "int32"))
  );
  assert(tf.max(tf.abs(tf.sub(encoded[0], encoded[1]))).dataSync()[0] < 1e-4);
  const apart = encode(parameters, { ...size, rotary: "interleaved" }, tokens, tf.tensor2d([[0, 17]], [1, 2], "int32"));
  assert(tf.max(tf.abs(tf.sub(encoded[0], apart))).dataSync()[0] > 1e-2);
});
