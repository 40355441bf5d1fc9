/**
 * Writes a checkpoint of 320 MB beside steps, reads it again, and fills a disk; prints peaks of resident memory in MB, the
 * steps that were done meanwhile, and for how many seconds the event loop stood still at most.
 */
import { disposeAll, tf } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import { checkpointSaver, newestCheckpoint } from "../../../lib/training/runs/run_checkpoints.ts";
import type { TrainingState } from "../../../lib/training/step.ts";
import { toyRun } from "../toy_run.ts";

/** Peak of resident memory, in MB: VmHWM, or where there is no /proc what is resident now. */
function peak(): number {
  if (Deno.build.os !== "linux") return Deno.memoryUsage().rss / 1e6;
  return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024 / 1e6;
}

const dir = await Deno.makeTempDir({ prefix: "large_checkpoint_" });
tf.dispose(tf.fill([1], 0).square());
const before = peak();

const COUNT = 5, EACH = 4_000_000, state = 4 * COUNT * EACH * 4 / 1e6;
const network = () => ({
  net: Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`${i}`, tf.fill([EACH], 1)])),
});
const initial: TrainingState = { trained: network(), averages: network(), first: network(), second: network() };
const variables = new Variables<TrainingState>(initial);
disposeAll(initial);
const step = compileUpdate((state: TrainingState) => {
  const next = ({ net }: TrainingState["trained"]) => ({
    net: Object.fromEntries(Object.entries(net).map(([name, value]) => [name, tf.add(value, 1)])),
  });
  const { trained, averages, first, second } = state;
  return {
    state: { trained: next(trained), averages: next(averages), first: next(first), second: next(second) },
    result: null,
  };
}, variables);
for (let i = 0; i < 4; i++) await step();
const training = peak();

let longestWait = 0, last = performance.now();
const timer = setInterval(() => {
  longestWait = Math.max(longestWait, (performance.now() - last) / 1000);
  last = performance.now();
}, 5);
const saver = checkpointSaver({ dir, keep: 2, step: 0 });
let settled = false, stepsWhileWriting = 0;
saver.begin(variables.read(), 4);
const writing = saver.settled().then(() => settled = true);
while (!settled) {
  await step();
  if (!settled) stepsWhileWriting++;
}
await writing;
saver.check();
clearInterval(timer);
const writingPeak = peak();

variables.dispose();
const found = await newestCheckpoint(dir, initial, { onNote: console.error });
const values = tf.tidy(() => [tf.min(found!.state.second.net[0]), tf.max(found!.state.trained.net[4])])
  .map((value) => value.dataSync()[0]);
if (found!.step !== 4 || values.some((value) => value !== 5)) throw new Error(`Step ${found!.step} reads ${values}.`);
const reading = peak();
await Deno.remove(dir, { recursive: true });

await Deno.mkdir(dir);
await Deno.symlink("/dev/full", `${dir}/checkpoint-00000008.safetensors.part`);
const message = await toyRun({ dir }).then(() => "it fitted", (error) => error.message);
const files = (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
await Deno.remove(dir, { recursive: true });
console.log(JSON.stringify({
  megabytes: { state, before, training, writing: writingPeak, reading },
  ...{ stepsWhileWriting, longestWait, full: { message, files } },
}));
