/** @module Tests of lib/methods/flops.ts. */
import "../tensorflow/loaded.ts";
import { assertAlmostEquals } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { flopsPerImage } from "../../lib/methods/flops.ts";
import { type MethodConfig, objectiveOf, preset } from "../../lib/methods/methods.ts";
import { disposeAll, tf } from "../../lib/tensorflow/backend.ts";
import { gradientsOf } from "../../lib/training/step.ts";

const BATCH = 4;

const images = memoryDataset({
  name: "stripes",
  classes: ["only"],
  pixels: Uint8Array.from({ length: BATCH * 32 * 32 * 3 }, (_, i) => (7919 * i) % 251),
  width: 32,
  height: 32,
  labels: new Int32Array(BATCH),
});

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** FLOPs of the matrix products that tfjs calls for a step's loss and gradients, by their inputs' shapes. */
async function countedFlops(config: MethodConfig): Promise<number> {
  const objective = objectiveOf(config, images), stream = objective.batches(0, { parts: 1, from: 0, to: 1 });
  const { inputs } = (await stream.next()).value!;
  await stream.return();
  const networks = objective.initialise();
  const averages = Object.fromEntries(Object.entries(objective.averages).map(([name, of]) => [name, networks[of]]));
  const { kernels } = await tf.profile(() => {
    gradientsOf(networks, objective.lossOf(averages, inputs));
    return tf.scalar(0);
  });
  disposeAll({ networks, inputs });
  return kernels.filter(({ name }) => name === "BatchMatMul").reduce((sum, { inputShapes: [a, b], outputShapes }) => {
    const [out] = outputShapes as number[][], stacked = size(out.slice(0, -2));
    // [S, m, k] x [S, k, n]: k^2 is S*m*k times S*k*n over S*m*n times S.
    const inner = Math.sqrt(size(a!) * size(b!) / (size(out) * stacked));
    return sum + 2 * size(out) * inner;
  }, 0);
}

for (
  const name of [
    ...["cifar10-ablations", "mae-cifar10", "simmim-cifar10", "data2vec-cifar10"],
    ...["lejepa-cifar10", "vicreg-cifar10", "dino-cifar10", "iwm-cifar10"],
  ]
) {
  Deno.test(`flopsPerImage() of ${name} are those of the products that a step calls`, async () => {
    const given: MethodConfig = { ...preset(name), batch: BATCH, epochs: 1 };
    // What regularises is left out of the count, as I-JEPA's is.
    const config = given.method === "iwm" ? { ...given, regulariser: { variance: 0, covariance: 0 } } : given;
    const counted = await countedFlops(config) / BATCH;
    assertAlmostEquals(flopsPerImage(config) / counted, 1, 1e-9);
  });
}
