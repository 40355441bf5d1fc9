/** Gradients of sums, means and repetitions: closed forms, and no tensor of the input's size made in JavaScript for them. */
import "./loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { tf } from "../../lib/tensorflow/backend.ts";

Deno.test("sums, means and repetitions have the gradients of their closed forms, over any axes", () => {
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), dy = tf.tensor1d([10, 20, 30]);
  const of = (f: (x: tf.Tensor) => tf.Tensor, dy: tf.Tensor) => Array.from(tf.grad(f)(x, dy).dataSync());
  assertEquals(of((x) => tf.sum(x, 0), dy), [10, 20, 30, 10, 20, 30]);
  assertEquals(of((x) => tf.sum(x, 0, true), tf.reshape(dy, [1, 3])), [10, 20, 30, 10, 20, 30]);
  assertEquals(of((x) => tf.mean(x, 0), dy), [5, 10, 15, 5, 10, 15]);
  assertEquals(of((x) => tf.mean(x, -1), tf.tensor1d([3, 6])), [1, 1, 1, 2, 2, 2]);
  assertEquals(of((x) => tf.sum(x), tf.scalar(7)), [7, 7, 7, 7, 7, 7]);
  assertEquals(of((x) => tf.mean(x), tf.scalar(12)), [2, 2, 2, 2, 2, 2]);
  const repeated = tf.tensor2d(Array.from({ length: 24 }, (_, i) => i), [4, 6]); // x twice down, twice across
  const sums = [0, 1, 2, 6, 7, 8].map((i) => [0, 3, 12, 15].reduce((sum, by) => sum + i + by, 0));
  assertEquals(of((x) => tf.tile(x, [2, 2]), repeated), sums);
});

Deno.test("no gradient of a reduction makes ones of its input's size", () => {
  const x = tf.zeros([64, 64]), engine = tf.engine(), makeTensor = engine.makeTensor, made: number[] = [];
  try {
    // What JavaScript makes goes through it, tfjs's own gradients of Sum and Mean with ones for the whole input.
    engine.makeTensor = function (this: typeof engine, ...args) {
      made.push(tf.util.sizeFromShape(args[1]));
      return makeTensor.apply(this, args);
    };
    tf.grad((x) => tf.add(tf.sum(x), tf.mean(x)))(x);
  } finally {
    engine.makeTensor = makeTensor;
  }
  assert(made.length > 0);
  assert(made.every((size) => size <= x.rank), `${made}`);
});
