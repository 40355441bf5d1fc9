import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import "../tensorflow/loaded.ts";
import { block } from "../../lib/nn/layers.ts";
import { blockShapes } from "../../lib/jepa/architectures.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { gradientsOf } from "../../lib/training/step.ts";
import { frameLosses } from "../../lib/world/camera/camera_objective.ts";
import {
  frameAngles,
  frameCausal,
  framePredictorShapes,
  predictFrames,
  rollOut,
} from "../../lib/world/camera/frame_predictor.ts";

const SIZE = { width: 12, depth: 2, heads: 2 }, GRID = { image: 4, patch: 2, width: 5 };
const [BATCH, FRAMES, PLACES, D] = [2, 3, 4, 5];

function sines(shape: readonly number[], number: number, scale = 0.5): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1.7 * i + number)), [...shape]);
}

const network = (shapes: Record<string, readonly number[]>): Parameters =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, sines(shape, i)]));

const PREDICTOR = network(framePredictorShapes(SIZE, D));
const TOKENS = sines([BATCH, FRAMES, PLACES, D], 100, 1), ACTIONS = sines([BATCH, FRAMES, 2], 101, 1);

const predicted = (tokens = TOKENS, actions = ACTIONS) => predictFrames(PREDICTOR, SIZE, GRID, tokens, actions);

/** How far the pictures of [B, T, N, D] of both are apart at most, for each time. */
function changes(a: Tensor, b: Tensor): number[] {
  return [...tf.max(tf.abs(tf.sub(a, b)), [0, 2, 3]).dataSync()];
}

/** x, raised by 1 in picture `t`. */
function raised(x: Tensor, t: number): Tensor {
  const shape = x.shape.map((n, axis) => axis === 1 ? n : 1);
  return tf.add(x, tf.tensor(Array.from({ length: shape[1] }, (_, i) => i === t ? 1 : 0), shape));
}

Deno.test("frameCausal() of two pictures of two tokens: the first see the first, the second all", () => {
  assertEquals([...frameCausal(2, 2)], [1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
});

Deno.test("no picture or action changes what is said of a picture before; each changes its own and those after", () => {
  const plain = predicted();
  assertEquals(plain.shape, [BATCH, FRAMES, PLACES, D]);
  for (let t = 0; t < FRAMES; t++) {
    // Raising a whole token is undone by no norm: the tokens enter by a linear layer.
    for (const other of [predicted(raised(TOKENS, t)), predicted(TOKENS, raised(ACTIONS, t))]) {
      changes(plain, other).forEach((change, at) =>
        assert(at < t ? change === 0 : change > 1e-5, `${t} ${at} ${change}`)
      );
    }
  }
});

Deno.test("gradients of what is said of picture 1 by the tokens of pictures 2 and 3 are 0, and by 0 and 1 are not", () => {
  const weights = sines([BATCH, 1, PLACES, D], 7, 1);
  const gradient = tf.grad((x) => tf.sum(tf.mul(tf.slice(predicted(x), [0, 1, 0, 0], [BATCH, 1, PLACES, D]), weights)))(
    TOKENS,
  );
  const [first, second, third] = tf.max(tf.abs(gradient), [0, 2, 3]).dataSync();
  assert(first > 1e-4 && second > 1e-4);
  assertEquals(third, 0);
});

Deno.test("gradients by the parameters are those of finite differences, through the mask", () => {
  const weights = sines([BATCH, FRAMES, PLACES, D], 8, 1);
  const loss = (p: Parameters) => tf.sum(tf.mul(predictFrames(p, SIZE, GRID, TOKENS, ACTIONS), weights));
  const { gradients: { predictor } } = gradientsOf({ predictor: PREDICTOR }, ({ predictor }) => {
    return { loss: loss(predictor), reported: {} };
  });
  for (const name of ["predictor_blocks.0.attn.qkv.weight", "action_encoder.weight", "predictor_embed.weight"]) {
    const shape = PREDICTOR[name].shape, direction = sines(shape, 9, 1), h = 3e-3;
    const at = (step: number) => {
      const moved = { ...PREDICTOR, [name]: tf.add(PREDICTOR[name], tf.mul(direction, step)) as Tensor };
      return loss(moved).dataSync()[0];
    };
    const along = tf.sum(tf.mul(predictor[name], direction)).dataSync()[0], expected = (at(h) - at(-h)) / (2 * h);
    assertAlmostEquals(along, expected, 2e-3 * Math.abs(expected) + 1e-3);
  }
});

Deno.test("a block whose mask lets all see all is the block without one, and one token alone sees itself", () => {
  const p = network(blockShapes("b", 12, 1, 4)),
    own = Object.fromEntries(
      Object.entries(p).map(([name, tensor]) => [name.replace("b.0.", "b."), tensor]),
    );
  const x = sines([1, 3, 12], 5, 1), ones = tf.ones([3, 3]), alone = tf.eye(3);
  const near = (a: Tensor, b: Tensor) => assert(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] < 1e-5);
  near(block(own, "b", x, 2, { present: ones }), block(own, "b", x, 2));
  const each = tf.concat([0, 1, 2].map((i) => block(own, "b", tf.slice(x, [0, i, 0], [1, 1, 12]), 2)), 1);
  near(block(own, "b", x, 2, { present: alone }), each);
});

Deno.test("an action's token is turned by time alone, a picture's by its place too", () => {
  // d = 6: one frequency, 1, of time, row and column; 2 x 2 places.
  const angles = frameAngles(2, 2, 2, 6), row = (i: number) => [...angles.subarray(6 * i, 6 * i + 6)];
  assertEquals(row(0), [0, 0, 0, 0, 0, 0]);
  assertEquals(row(5), [1, 1, 0, 0, 0, 0]); // the second picture's action
  assertEquals(row(9), [1, 1, 1, 1, 1, 1]); // its last place
  assertEquals(row(7), [1, 1, 0, 0, 1, 1]); // its second place: row 0, column 1
});

Deno.test("frameLosses() by hand: a next picture that is the one before plus the action's first number", () => {
  const next = (tokens: Tensor, actions: Tensor) => {
    const [batch, frames] = tokens.shape;
    return tf.add(tokens, tf.reshape(tf.slice(actions, [0, 0, 0], [batch, frames!, 1]), [batch, frames!, 1, 1]));
  };
  // Pictures 0, 5, 7 and 8 of one token of one number; actions 3, 1 and 10.
  const tokens = tf.tensor4d([0, 5, 7, 8], [1, 4, 1, 1]), actions = tf.tensor3d([3, 0, 1, 0, 10, 0], [1, 3, 2]);
  const { teacherForced, rollout } = frameLosses({ tokens, actions }, 2, next);
  assertAlmostEquals(teacherForced.dataSync()[0], (2 + 1 + 9) / 3, 1e-6); // 3, 6 and 17 instead of 5, 7 and 8
  assertAlmostEquals(rollout.dataSync()[0], (2 + 3) / 2, 1e-6); // 3 and 4 instead of 5 and 7
  assertEquals([...rollOut(tf.slice(tokens, 0, [1, 1, 1, 1]), actions, next).dataSync()], [
    3,
    4,
    14,
  ]);
});

Deno.test("rollOut() feeds its own pictures back: its second is what is said after the first one predicted", () => {
  const first = tf.slice(TOKENS, [0, 0, 0, 0], [BATCH, 1, PLACES, D]),
    two = tf.slice(ACTIONS, [0, 0, 0], [BATCH, 2, 2]);
  const all = rollOut(first, two, predicted);
  const one = predicted(first, tf.slice(two, [0, 0, 0], [BATCH, 1, 2]));
  const both = predicted(tf.concat([first, one], 1), two);
  assert(changes(all, both).every((change) => change < 1e-5)); // the first of both is the same, by causality
});
