/**
 * A worker of a world, given as JSON with the seconds of silence: checks sums and copies, prints a digest of what it got,
 * then goes on adding up until it is told that a worker is lost, and says why.
 */
import { assertEquals, assertRejects } from "../../std/assert.ts";
import { joinWorld } from "../../../lib/tensorflow/collectives/collectives.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";

const world = JSON.parse(Deno.args[0]), silence = Number(Deno.args[1]);
const { rank, size } = world;
const workers = await joinWorld(world, { silence, arrival: 60 });

/** Numbers of no pattern, other at each worker. */
const noise = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * (rank + 1)) * (rank + 1));

async function digest(tensors: tf.Tensor[]): Promise<string> {
  const hashes = await Promise.all(tensors.map(async (tensor) => {
    const { buffer } = await tensor.data() as Float32Array<ArrayBuffer>;
    return new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)).toHex();
  }));
  return hashes.join();
}

// Whole numbers, whose sums are exact: a scalar, nothing, more than a piece, and many that share one.
const sum = size * (size + 1) / 2;
const shapes = [[], [0], [3, 3000001], [7], [2, 3, 5], [1]];
const summed = await workers.allReduce({ list: shapes.map((shape) => tf.fill(shape, rank + 1)), none: [] });
assertEquals(summed.list.map(({ shape }) => shape), shapes);
for (const tensor of summed.list) {
  assertEquals(tf.tidy(() => tf.all(tf.equal(tensor, sum)).dataSync()[0]), 1, `${tensor.shape}`);
}
assertEquals(summed.none, []);
tf.dispose(summed.list);

// Repeated, and two calls at once: the same bits. 700,001 values do not divide by the number of workers.
const ours = [tf.tensor1d(noise(700001)), tf.scalar(1 / (rank + 3))] as tf.Tensor[];
const [first, ...again] = await Promise.all(
  [0, 1, 2, 3].map(async () => await digest(await workers.allReduce(ours))),
);
assertEquals(again, [first, first, first]);

// bfloat16: a scalar is added up in float32 still.
const rounded = await workers.allReduce(ours, { bfloat16: true });
const exact = await workers.allReduce(ours);
const error = tf.tidy(() => tf.max(tf.abs(tf.sub(rounded[0], exact[0]))).dataSync()[0]);
if (!(error > 0 && error < sum * 2 ** -7)) throw new Error(`An error of ${error} is not bfloat16's.`);
assertEquals(rounded[1].dataSync(), exact[1].dataSync());
const bits = `${first} ${await digest(rounded)}`;

// A copy, bit for bit.
const strange = [-0, NaN, Infinity, 1e-45, 1 / 3];
const copy = await workers.broadcast({ x: rank === 0 ? tf.tensor1d(strange) : tf.zeros([strange.length]) });
assertEquals(Array.from(copy.x.dataSync()), Array.from(Float32Array.from(strange)));
assertEquals(Object.is(copy.x.dataSync()[0], -0), true);

await assertRejects(
  () => workers.allReduce([tf.scalar(1, "int32")]),
  TypeError,
  "tensors[0] is int32 []; workers exchange",
);
assertEquals(await workers.gather("rank", `${rank}`), Array.from({ length: size }, (_, i) => `${i}`));

// What a training step does goes on in a cluster.
const variables = new Variables({ weight: tf.ones([4, 4]) });
const update = compileUpdate(
  ({ weight }: { weight: tf.Tensor }, x: tf.Tensor) => {
    const { value, grad } = tf.valueAndGrad((w: tf.Tensor) =>
      tf.sum(tf.tanh(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)))
    )(weight) as unknown as { value: tf.Tensor; grad: tf.Tensor };
    return { state: { weight: tf.sub(weight, grad) }, result: value };
  },
  variables,
);
await update(tf.ones([2, 4]));

console.log(JSON.stringify({ bits }));
try {
  const large = tf.ones([1 << 20]);
  while (true) {
    const total = await workers.allReduce({ large, stop: tf.scalar(0) });
    tf.dispose(total as unknown as tf.TensorContainer);
    await workers.gather("step", "");
  }
} catch (error) {
  await workers.close(error);
  console.log(JSON.stringify({ reason: (error as Error).message }));
}
