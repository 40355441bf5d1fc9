/**
 * The networks of a world model: an encoder of pictures (Impala's, Espeholt et al. 2018, arXiv 1802.01561), a predictor
 * of the next state from a state and an action, and an inverse model that says the action between two states. As in
 * eb_jepa.
 *
 * @module
 */
import type { ParameterShapes } from "../jepa/architectures.ts";
import { convolution, convolve } from "../nn/convolution.ts";
import { gruCell, gruShapes } from "../nn/gru.ts";
import { parametersOf } from "../nn/initialisation.ts";
import { layerNorm, linear, product } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { randomStream } from "../random.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused } from "../tensorflow/fused.ts";
import type { Networks } from "../training/objective.ts";
import { GREATEST, LEAST, SIDE } from "./rooms.ts";

/** Sizes of a world model's networks. */
export interface WorldSize {
  /**
   * The encoder's stacks of convolutions, Impala's: the channels of each, which halves height and width, and the residual
   * blocks in each. Where it is left out, the encoder has the pictures' means along rows and along columns instead
   * (coordinate attention's pooling, Hou et al. 2021, arXiv 2103.02907), by which dot, wall and door are told: far cheaper.
   */
  stacks?: { channels: readonly number[]; blocks: number };
  /** Widths of its fully connected layers between that and the state; none, as in eb_jepa, where it is left out. */
  hidden?: readonly number[];
  /** Length of a state, D. */
  width: number;
  /**
   * Width of the predictor's two hidden layers: it adds what they make of state and action to the state, and so begins near
   * a copy. Where it is left out, the predictor is eb_jepa's recurrent cell, which needs wide states.
   */
  predictor?: number;
  /** Width of the inverse model's two hidden layers. */
  inverse: number;
}

/** How many of a picture's pixels a side lie inside the outer walls. */
const innerSide = (side: number) => Math.floor((GREATEST - LEAST) * (side - 1) / (SIDE - 1)) - 1;

/** Names and shapes of the encoder's parameters, for pictures of so many pixels a side. */
export function worldEncoderShapes({ stacks, hidden = [], width }: WorldSize, picture: number): ParameterShapes {
  const shapes: ParameterShapes = {};
  const kernel = (name: string, inputs: number, outputs: number) => {
    shapes[`${name}.weight`] = [3, 3, inputs, outputs];
    shapes[`${name}.bias`] = [outputs];
  };
  let side = picture, channels = 2; // dot and walls
  stacks?.channels.forEach((own, i) => {
    kernel(`stacks.${i}.conv`, channels, own);
    for (let j = 0; j < stacks.blocks; j++) {
      kernel(`stacks.${i}.blocks.${j}.conv1`, own, own);
      kernel(`stacks.${i}.blocks.${j}.conv2`, own, own);
    }
    side = Math.ceil(side / 2);
    channels = own;
  });
  let inputs = (stacks ? side * side : 2 * innerSide(side)) * channels;
  [...hidden, width].forEach((outputs, i) => {
    const name = i < hidden.length ? `hidden.${i}` : "proj";
    shapes[`${name}.weight`] = [outputs, inputs];
    shapes[`${name}.bias`] = [outputs];
    inputs = outputs;
  });
  shapes["norm.weight"] = [width];
  shapes["norm.bias"] = [width];
  return shapes;
}

/** Of three fully connected layers. */
function layersShapes(inputs: number, hidden: number, outputs: number): ParameterShapes {
  const layers = [[hidden, inputs], [hidden, hidden], [outputs, hidden]];
  return Object.fromEntries(layers.flatMap(([outputs, inputs], i) => [
    [`fc${i}.weight`, [outputs, inputs]],
    [`fc${i}.bias`, [outputs]],
  ]));
}

/** Of the predictor. */
export const worldPredictorShapes = ({ width, predictor }: WorldSize): ParameterShapes =>
  predictor === undefined ? gruShapes("rnn", 2, width) : layersShapes(width + 2, predictor, width);

/** Of the inverse model. */
export const inverseModelShapes = ({ width, inverse }: WorldSize): ParameterShapes =>
  layersShapes(2 * width, inverse, 2);

/** PyTorch's own start of linear layers, convolutions and recurrent cells: uniform within 1 / sqrt(inputs). */
function initialValues(name: string, shape: readonly number[], inputs: number, seed: number): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  if (name.startsWith("norm.")) return new Float32Array(size).fill(name.endsWith(".weight") ? 1 : 0);
  const random = randomStream(seed, ...new TextEncoder().encode(name)), bound = 1 / Math.sqrt(inputs);
  return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * bound);
}

/** How many numbers each number of a layer is made of; a bias has those of its weight, a recurrent cell its state's. */
function inputsOf(shapes: ParameterShapes, name: string, width: number): number {
  if (name.startsWith("rnn.")) return width;
  const weight = shapes[name.replace(/bias$/, "weight")];
  return weight.length === 4 ? 9 * weight[2] : weight[1] ?? 1;
}

/** Names and shapes of all networks' parameters; without `inverse`, of encoder and predictor alone. */
export function worldShapes(size: WorldSize, picture: number, inverse: boolean): Record<string, ParameterShapes> {
  return {
    encoder: worldEncoderShapes(size, picture),
    predictor: worldPredictorShapes(size),
    ...inverse ? { inverse: inverseModelShapes(size) } : {},
  };
}

/** New networks of such shapes. */
export function initialWorld(shapes: Record<string, ParameterShapes>, width: number, seed: number): Networks {
  return Object.fromEntries(
    Object.entries(shapes).map(([network, own]) => [
      network,
      parametersOf(own, (name, shape) => initialValues(name, shape, inputsOf(own, name, width), seed)),
    ]),
  );
}

const biasedRelu = fused("biased_relu", (x: Tensor, bias: Tensor) => tf.relu(tf.add(x, bias)), "activation");

const reluOfSum = fused(
  "relu_of_sum",
  (x: Tensor, y: Tensor, bias: Tensor) => tf.relu(tf.add(x, tf.add(y, bias))),
  "activation",
);

/** Means and deviations of the two channels, dot and walls, by which eb_jepa standardises them. */
const MEAN = [0.0026, 0.0989], DEVIATION = [0.0369, 0.2986];

/** uint8 [..., 2], standardised. */
const standardised = fused(
  "pictures",
  (pictures: Tensor) =>
    tf.div(tf.sub(tf.div(tf.cast(pictures, "float32"), 255), tf.tensor1d(MEAN)), tf.tensor1d(DEVIATION)),
  "activation",
  1,
);

/**
 * Of the dot's and the walls' means inside the outer walls, over places in random rooms: their mean, and their deviations along
 * columns and along rows. A door takes a pixel or two out of the means of some rows, which one deviation of whole pictures
 * would hide.
 */
const INSIDE = { mean: [0.0033, 0.046], deviations: [[0.0113, 0.19], [0.0113, 0.023]] };

/**
 * Means along columns and along rows of pictures uint8 [B, side, side, 2], standardised: [B, 2 * inner, 2]. The outer walls
 * and what is around them are always the same, and left out.
 */
const pooled = fused(
  "pooled_pictures",
  (pictures: Tensor) => {
    const [batch, side] = pictures.shape as number[], inner = innerSide(side), edge = (side - inner) / 2;
    const values = tf.div(tf.cast(tf.slice(pictures, [0, edge, edge, 0], [batch, inner, inner, 2]), "float32"), 255);
    const means = INSIDE.deviations.map((deviation, i) =>
      tf.div(tf.sub(tf.mean(values, 1 + i), tf.tensor1d(INSIDE.mean)), tf.tensor1d(deviation)) // [B, inner, 2]
    );
    return tf.concat(means, 1);
  },
  "activation",
  1,
);

/** The layer norm that ends encoder and predictor alike; its parameters are the encoder's. */
const normalised = (encoder: Parameters, x: Tensor) => layerNorm(encoder, "norm", x, 1e-5);

/** A residual block: x [B, H, W, C] to the same shape. */
function residualBlock(p: Parameters, name: string, x: Tensor): Tensor {
  const hidden = biasedRelu(convolve(p, `${name}.conv1`, x), p[`${name}.conv1.bias`]);
  return reluOfSum(x, convolve(p, `${name}.conv2`, hidden), p[`${name}.conv2.bias`]);
}

/**
 * States of pictures.
 *
 * @param pictures uint8 [B, side, side, 2]: dot and walls, see drawRooms()
 * @returns [B, D]
 */
export function encodePictures(p: Parameters, { stacks, hidden = [] }: WorldSize, pictures: Tensor): Tensor {
  let x = stacks ? standardised(pictures) : pooled(pictures);
  stacks?.channels.forEach((_, i) => {
    x = tf.maxPool(convolution(p, `stacks.${i}.conv`, x) as tf.Tensor4D, 3, 2, "same"); // [B, H/2, W/2, C]
    for (let j = 0; j < stacks.blocks; j++) x = residualBlock(p, `stacks.${i}.blocks.${j}`, x);
  });
  x = tf.reshape(x, [x.shape[0], -1]); // [B, H*W*C], or [B, 4 * inner]
  hidden.forEach((_, i) => {
    x = biasedRelu(product(x, p[`hidden.${i}.weight`]), p[`hidden.${i}.bias`]);
  });
  return normalised(p, linear(p, "proj", x));
}

/** Three fully connected layers with ReLUs between them: x [B, I] to [B, O]. */
function layers(p: Parameters, x: Tensor): Tensor {
  for (const i of [0, 1]) x = biasedRelu(product(x, p[`fc${i}.weight`]), p[`fc${i}.bias`]);
  return linear(p, "fc2", x);
}

/**
 * The states after one action each.
 *
 * @param encoder whose layer norm it shares
 * @param states [B, D]
 * @param actions [B, 2]
 */
export function predictNext(encoder: Parameters, predictor: Parameters, states: Tensor, actions: Tensor): Tensor {
  if ("rnn.bias_ih_l0" in predictor) return normalised(encoder, gruCell(predictor, "rnn", actions, states));
  return normalised(encoder, tf.add(states, layers(predictor, tf.concat([states, actions], 1))));
}

/** The states [B, D] after each of some actions [B, H, 2], predicted one from the other. */
export function unroll(encoder: Parameters, predictor: Parameters, states: Tensor, actions: Tensor): Tensor[] {
  const predicted: Tensor[] = [];
  for (const action of tf.unstack(actions, 1)) {
    predicted.push(states = predictNext(encoder, predictor, states, action));
  }
  return predicted;
}

/** The actions [B, 2] that lead from states to states, [B, D] each. */
export const inverseModel = (p: Parameters, from: Tensor, to: Tensor): Tensor => layers(p, tf.concat([from, to], 1));
