/** Makes tensors in several ways, forgets all but one, and prints how many handles are left after garbage collection. */
import { tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";

const { gc } = globalThis as unknown as { gc: () => void };
const numHandles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
const compiled = compile((x: tf.Tensor) => tf.mul(x, 2));

async function forget(): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const x = tf.fill([100], i);
    tf.square(x);
    uint8Tensor(new Uint8Array(10), [10]);
    await compiled(x);
  }
}

async function collected(): Promise<number> {
  for (let i = 0; i < 20; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers run between tasks
  }
  return numHandles();
}

await forget();
const before = await collected();
const kept = tf.ones([3]).square();
const made = numHandles();
await forget();
const forgotten = numHandles();
const after = await collected();
if (forgotten < made + 100) throw new Error("Nothing was there to be forgotten.");
if (kept.dataSync()[2] !== 1) throw new Error("What was kept is gone.");
console.log(JSON.stringify({ handles: { before, kept: after } }));
