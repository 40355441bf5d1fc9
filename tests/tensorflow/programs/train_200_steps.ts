/** Trains a tiny network for 200 steps and prints handles, resident memory in MB, and losses. */
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { fused } from "../../../lib/tensorflow/fused.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";

const { gc } = globalThis as unknown as { gc: () => void };
const numHandles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
const activation = fused("activation", (x: Tensor, bias: Tensor) => tf.tanh(tf.add(x, bias)));

interface State {
  w1: Tensor;
  b1: Tensor;
  w2: Tensor;
}

const initial = {
  w1: tf.randomNormal([64, 256], 0, 0.1, "float32", 1),
  b1: tf.zeros([256]),
  w2: tf.randomNormal([256, 8], 0, 0.1, "float32", 2),
};
const variables = new Variables<State>(initial);
tf.dispose(initial);

const step = compileUpdate((state: State, x: Tensor, rate: Tensor) => {
  const { value, grads } = tf.valueAndGrads((w1: Tensor, b1: Tensor, w2: Tensor) => {
    const hidden = activation(tf.matMul(x as tf.Tensor2D, w1 as tf.Tensor2D), b1);
    const y = tf.matMul(hidden as tf.Tensor2D, w2 as tf.Tensor2D);
    return tf.mean(tf.square(tf.sub(y, tf.slice(x, [0, 0], [-1, 8])))) as tf.Scalar;
  })([state.w1, state.b1, state.w2]);
  const [w1, b1, w2] = [state.w1, state.b1, state.w2].map((p, i) => tf.sub(p, tf.mul(rate, grads[i])));
  return { state: { w1, b1, w2 }, result: value };
}, variables);

async function train(steps: number): Promise<number> {
  let loss = NaN;
  for (let i = 0; i < steps; i++) {
    const x = tf.randomUniform([256, 64], -1, 1, "float32", i), rate = tf.scalar(0.1);
    const result = await step(x, rate);
    [loss] = await result.data();
    tf.dispose([x, rate, result]);
  }
  return loss;
}

const resident = () => (gc(), Deno.memoryUsage().rss / 2 ** 20);
const first = await train(1);
await train(39); // allocators and caches fill up
const [start, startHandles] = [resident(), numHandles()];
const last = await train(160);
const [end, endHandles] = [resident(), numHandles()];
console.log(JSON.stringify({
  handles: { start: startHandles, end: endHandles },
  resident: { start, end },
  losses: { start: first, end: last },
}));
