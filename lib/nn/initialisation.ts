/**
 * Initial values of parameters, by their names: weights from a normal distribution with deviation 0.02, biases 0, norms
 * 1, and the products that end a residual branch divided by sqrt(2 * layer), unless they are not to be. The last is what
 * the class of the authors' model does; their training then initialises every linear layer again, which undoes it.
 *
 * @module
 */
import { randomStream } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import type { Parameters } from "./parameters.ts";
import { clipPositions, sineCosinePositions } from "./positions.ts";

/** How the patch embedding starts; "xavier" keeps the patches' content visible beside the positions from the start. */
export type PatchInitialisation = "normal" | "xavier";

/** The authors truncate at two units, which is 100 deviations away: nothing is cut here. */
function initialValues(
  name: string,
  shape: readonly number[],
  seed: number,
  patch: PatchInitialisation,
  residualRescale: boolean,
  times?: number,
): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  if (name.endsWith("pos_embed")) {
    if (times === undefined) return sineCosinePositions(shape[2], Math.sqrt(shape[1]));
    return clipPositions(shape[2], times, Math.sqrt(shape[1] / times));
  }
  if (name.endsWith(".bias") || name.startsWith("mask_tokens.")) return new Float32Array(size);
  if (/norm\d*\.weight$/.test(name)) return new Float32Array(size).fill(1);

  // A stream of its own for each parameter: what one model draws does not depend on what else it has.
  const random = randomStream(seed, ...new TextEncoder().encode(name));
  if (name === "patch_embed.proj.weight" && patch === "xavier") {
    const bound = Math.sqrt(6 / (shape[0] + size / shape[0]));
    return drawn(size, () => (2 * random.uniform() - 1) * bound);
  }
  const layer = residualRescale && /blocks\.(\d+)\.(attn\.proj|mlp\.fc2)\.weight$/.exec(name);
  const deviation = 0.02 / Math.sqrt(layer ? 2 * (Number(layer[1]) + 1) : 1);
  return drawn(size, () => deviation * random.normal());
}

/** Not Float32Array.from(), which takes half as long again. */
function drawn(size: number, draw: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = draw();
  return values;
}

/** Parameters of these shapes, whose values follow from name and shape. */
export function parametersOf(
  shapes: Record<string, readonly number[]>,
  valuesOf: (name: string, shape: readonly number[]) => Float32Array,
): Parameters {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, tf.tensor(valuesOf(name, shape), [...shape], "float32")]),
  );
}

/**
 * New parameters.
 *
 * @param shapes names and shapes, from encoderShapes() or predictorShapes()
 * @param seed the same seed gives the same values on every machine
 * @param residualRescale whether the weights that end a residual branch (attn.proj, mlp.fc2) are divided by sqrt(2 * layer),
 *   layers counted from 1, as by the authors' model class; their training's init_model() makes them 0.02 again
 * @param times tokens of a clip over time, whose positions are then three-dimensional; left out for images
 */
export function initialise(
  shapes: Record<string, readonly number[]>,
  seed: number,
  patch: PatchInitialisation = "normal",
  residualRescale = true,
  times?: number,
): Parameters {
  return parametersOf(shapes, (name, shape) => initialValues(name, shape, seed, patch, residualRescale, times));
}
