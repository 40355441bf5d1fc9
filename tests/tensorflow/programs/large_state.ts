/** Updates a state of 256 MB ten times and prints the peak of resident memory, in MB, along the way. */
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";

/** Peak of resident memory, in MB: VmHWM, or where there is no /proc what is resident now. */
function peak(): number {
  if (Deno.build.os !== "linux") return Deno.memoryUsage().rss / 2 ** 20;
  return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) / 2 ** 10;
}

tf.dispose(tf.fill([1], 0).square());
const loaded = peak();
const initial = Array.from({ length: 16 }, (_, i) => tf.fill([4 * 2 ** 20], i) as Tensor); // 16 MB each
const variables = new Variables(initial);
tf.dispose(initial);
const step = compileUpdate(
  (state: Tensor[]) => ({
    state: state.map((value) => tf.add(value, 1)),
    result: null,
  }),
  variables,
  { jit: "graph" },
);

const peaks: number[] = [];
for (let i = 0; i < 10; i++) {
  await step();
  peaks.push(peak());
}
const last = variables.read()[15];
if (tf.tidy(() => tf.min(last).dataSync()[0]) !== 25) throw new Error("The state is not what ten steps make of it.");
console.log(JSON.stringify({ peak: { loaded, first: peaks[0], second: peaks[1], tenth: peaks[9] } }));
