import { assertAlmostEquals, assertEquals } from "@std/assert";
import "../tensorflow/loaded.ts";
import { gruCell, gruShapes } from "../../lib/nn/gru.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import { gradientsOf } from "../../lib/training/step.ts";
import { missingDeviation } from "../../lib/methods/parts/variance_covariance.ts";
import { smoothness, stateCovariance, stateDeviations } from "../../lib/world/losses.ts";
import {
  encodePictures,
  inverseModelShapes,
  predictNext,
  worldEncoderShapes,
  worldPredictorShapes,
  type WorldSize,
} from "../../lib/world/networks.ts";
import { worldLoss } from "../../lib/world/objective.ts";
import reference from "./fixtures/world.json" with { type: "json" };

const SIZE: WorldSize = { stacks: { channels: [3, 4], blocks: 1 }, width: 6, inverse: 5 };

function sines(shape: readonly number[], number: number, scale = 1, mean = 0): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  return Float32Array.from({ length: size }, (_, i) => mean + scale * Math.sin(1.7 * i + number));
}

const network = (shapes: Record<string, readonly number[]>, scale = 0.3): Parameters =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      return [name, tf.tensor(sines(shape, i, scale, name === "norm.weight" ? 1 : 0), [...shape])];
    }),
  );

const assertNear = (values: ArrayLike<number>, expected: readonly number[], tolerance: number) => {
  assertEquals(values.length, expected.length);
  expected.forEach((value, i) => assertAlmostEquals(values[i], value, tolerance));
};

const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

/** W x + b, in plain numbers. */
function layer(p: Parameters, name: string, x: number[]): number[] {
  const [weight, bias] = [p[`${name}.weight`].arraySync() as number[][], p[`${name}.bias`].dataSync()];
  return weight.map((row, o) => row.reduce((sum, w, i) => sum + w * x[i], bias[o]));
}

const relu = (x: number[]) => x.map((one) => Math.max(one, 0));

/** The encoder's layer norm, in plain numbers. */
function norm(p: Parameters, x: number[]): number[] {
  const middle = mean(x), deviation = Math.sqrt(mean(x.map((one) => (one - middle) ** 2)) + 1e-5);
  const [scale, shift] = [p["norm.weight"].dataSync(), p["norm.bias"].dataSync()];
  return x.map((one, d) => scale[d] * (one - middle) / deviation + shift[d]);
}

Deno.test("gruCell() is PyTorch's GRU", () => {
  const x = tf.tensor2d(sines([3, 2], 7), [3, 2]), h = tf.tensor2d(sines([3, 6], 8), [3, 6]);
  assertNear(gruCell(network(gruShapes("rnn", 2, 6), 0.5), "rnn", x, h).dataSync(), reference.gru, 1e-6);
});

Deno.test("variance, covariance and smoothness are those of eb_jepa's own code", () => {
  const states = tf.tensor3d(sines([5, 4, 6], 3), [5, 4, 6]), deviations = stateDeviations(states, 1);
  assertAlmostEquals(missingDeviation(deviations).dataSync()[0], reference.losses.variance, 1e-6);
  assertAlmostEquals(stateCovariance(deviations).dataSync()[0], reference.losses.covariance, 1e-6);
  assertAlmostEquals(smoothness(states, 1).dataSync()[0], reference.losses.smoothness, 1e-6);
});

Deno.test("smoothness() over two frames compares the first with the third, and so on", () => {
  const states = tf.tensor3d([1, 2, 4, 8, 0, 0, 3, 5], [2, 4, 1]); // changes 3, 6 and 3, 5
  assertAlmostEquals(smoothness(states, 2).dataSync()[0], (9 + 36 + 9 + 25) / 4, 1e-6);
});

Deno.test("stateDeviations() takes off the mean of each two episodes that share their rooms", () => {
  const states = tf.tensor3d([1, 3, 5, 7, 10, 10, 30, 50], [4, 2, 1]); // means 4 and 25
  assertEquals([...stateDeviations(states, 2).dataSync()], [-3, -1, 1, 3, -15, -15, 5, 25]);
});

Deno.test("without stacks the encoder sees standardised means inside the outer walls: a layer of ReLUs, a layer, a norm", () => {
  const size: WorldSize = { hidden: [3], width: 4, inverse: 2 }, side = 33, channels = [0, 1];
  const pixels = Uint8Array.from({ length: side * side * 2 }, (_, i) => Math.floor(128 + 127 * Math.sin(1.7 * i * i)));
  const p = network(worldEncoderShapes(size, side), 0.03);
  const value = (row: number, column: number, channel: number) => pixels[(row * side + column) * 2 + channel] / 255;
  const inside = Array.from({ length: 27 }, (_, i) => 3 + i); // the walls are at pixels 2 and 30
  const columns = inside.flatMap((x) =>
    channels.map((c) => (mean(inside.map((y) => value(y, x, c))) - [0.0033, 0.046][c]) / [0.0113, 0.19][c])
  );
  const rows = inside.flatMap((y) =>
    channels.map((c) => (mean(inside.map((x) => value(y, x, c))) - [0.0033, 0.046][c]) / [0.0113, 0.023][c])
  );
  const expected = norm(p, layer(p, "proj", relu(layer(p, "hidden.0", [...columns, ...rows]))));
  const states = encodePictures(p, size, uint8Tensor(pixels, [1, side, side, 2]));
  assertNear(states.dataSync(), expected, 1e-4);
});

Deno.test("a predictor with a width adds what its layers make of state and action to the state, before the norm", () => {
  const size: WorldSize = { hidden: [3], width: 4, predictor: 5, inverse: 2 };
  const encoder = network(worldEncoderShapes(size, 33)), p = network(worldPredictorShapes(size));
  const state = [0.4, -1.2, 0.3, 0.9], action = [0.7, -0.2];
  const change = layer(p, "fc2", relu(layer(p, "fc1", relu(layer(p, "fc0", [...state, ...action])))));
  const next = predictNext(encoder, p, tf.tensor2d([state]), tf.tensor2d([action])).dataSync();
  assertNear(next, norm(encoder, state.map((one, d) => one + change[d])), 1e-5);
});

Deno.test("states, loss, terms and gradients are those of PyTorch with eb_jepa's regulariser", () => {
  const { whole } = reference, side = 9;
  const pixels = Uint8Array.from({ length: 6 * side * side * 2 }, (_, i) => Math.floor(128 + 127 * Math.sin(1.7 * i)));
  const pictures = uint8Tensor(pixels, [2, 3, side, side, 2]);
  const networks = {
    encoder: network(worldEncoderShapes(SIZE, side)),
    predictor: network(worldPredictorShapes(SIZE)),
    inverse: network(inverseModelShapes(SIZE)),
  };
  const states = encodePictures(networks.encoder, SIZE, tf.reshape(pictures, [6, side, side, 2]));
  assertNear(states.dataSync(), whole.states, 1e-4);

  const actions = tf.tensor3d(sines([2, 2, 2], 5), [2, 2, 2]);
  const regulariser = { variance: 16, covariance: 8, smoothness: 12, lag: 1, inverseDynamics: 1 };
  const config = { rooms: { sharing: 1 }, networks: SIZE, horizon: 2, regulariser };
  const { loss, reported, gradients } = gradientsOf(
    networks,
    (trained) => worldLoss(config, { pictures, actions }, trained),
  );
  assertAlmostEquals(loss.dataSync()[0], whole.loss, 1e-3);
  for (const name of ["prediction", "variance", "covariance", "smoothness", "inverseDynamics"] as const) {
    assertAlmostEquals(reported[name].dataSync()[0], whole[name], 1e-4, name);
  }
  const largest = Math.max(...Object.values(whole.gradients));
  for (const [path, norm] of Object.entries(whole.gradients)) {
    const [network, ...name] = path.split(".");
    assertAlmostEquals(tf.norm(gradients[network][name.join(".")]).dataSync()[0], norm, 1e-4 * largest, path);
  }
});
