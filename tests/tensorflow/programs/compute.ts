/** Computes eagerly and compiled, in float32 and bfloat16, prints the sum, and ends. */
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";

const product = (x: tf.Tensor2D) => tf.sum(tf.matMul(x, x));
const x = tf.ones([64, 64]) as tf.Tensor2D;
const results = [
  product(x),
  await compile(product, { jit: "xla" })(x),
  await compile(product, { jit: "graph", precision: "bfloat16" })(x),
];
console.log(results.map((result) => result.dataSync()[0]).join());
