/**
 * A toy for the tests of decoding: images of 16 pixels, each of one colour with a little noise, a tiny encoder with random
 * weights, and configurations of milliseconds a step.
 *
 * @module
 */
import type { PatchDecoderConfig, PooledDecoderConfig } from "../../lib/decoding/decoder_presets.ts";
import { frozenEncoder } from "../../lib/decoding/train_decoder.ts";
import type { FrozenEncoder } from "../../lib/decoding/representation.ts";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { encoderShapes, type EncoderSize, predictorShapes, type PredictorSize } from "../../lib/jepa/architectures.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { randomStream } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

export const SIDE = 16, BYTES = SIDE * SIDE * 3;

const random = randomStream(11);

/** 32 images of 32 colours. */
export const pixels = new Uint8Array(32 * BYTES);
for (let i = 0; i < 32; i++) {
  const colour = [0, 1, 2].map(() => 20 + random.integer(216));
  for (let j = 0; j < BYTES; j++) pixels[i * BYTES + j] = colour[j % 3] + random.integer(20);
}

export const images = memoryDataset({
  name: "colours",
  classes: ["only"],
  pixels,
  width: SIDE,
  height: SIDE,
  labels: new Int32Array(32),
});

const size: EncoderSize = { image: SIDE, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 };

const narrow: PredictorSize = { width: 8, depth: 1, heads: 2 };

/** New tensors, the caller's. */
export function toyEncoder(seed = 1, predicting = false): FrozenEncoder {
  const parameters = initialise(encoderShapes(size), seed, "xavier");
  if (!predicting) return frozenEncoder({ size, parameters });
  tf.dispose(parameters);
  const fine = { ...size, patch: 2 }, shapes = predictorShapes({ ...fine, predictor: narrow }); // blocks want a finer grid
  const predictor = { size: narrow, parameters: initialise(shapes, seed, "xavier") };
  return frozenEncoder({ size: fine, parameters: initialise(encoderShapes(fine), seed, "xavier"), predictor });
}

const TRAINING = {
  batch: 16,
  epochs: 5, // 10 steps
  learningRate: { peak: 4e-3, final: 1e-4, warmup: 0.1 },
  weightDecay: 0.01,
  average: 0.9,
  clip: 1,
  precision: "float32",
  seed: 0,
} as const;

export const POOLED: PooledDecoderConfig = {
  ...TRAINING,
  kind: "pooled",
  network: { image: SIDE, channels: [32, 32], heads: 2, condition: 16 },
  diffusion: { schedule: "cosine", steps: 1000 },
  unconditional: 0.1,
  blocks: 0.2,
};

export const PREDICTED: PooledDecoderConfig = { ...POOLED, of: "predictions", blocks: 0 };

export const PATCHES: PatchDecoderConfig = {
  ...TRAINING,
  kind: "patches",
  network: { image: SIDE, patch: 4, width: 24, depth: 1, heads: 2, condition: 16 },
  loss: "l2",
};
