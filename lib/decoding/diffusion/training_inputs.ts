/**
 * What is drawn for each step of training a pooled decoder: noise, the diffusion's steps, which conditions are dropped, and
 * which tokens are averaged or which masks the predictor has.
 *
 * @module
 */
import { blockShapesOfOneArea, patchesOf, placeBlock } from "../../jepa/mask_samplers/blocks.ts";
import { multiBlock } from "../../jepa/mask_samplers/multi_block.ts";
import { maskTensors } from "../../jepa/pretraining/pretraining_objective.ts";
import { type Random, randomStream } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import type { PooledDecoderConfig } from "../decoder_presets.ts";
import type { DecoderImages, PooledInputs } from "../decoder_objective.ts";
import type { Masked, Pooling } from "../representation.ts";
import { alphaBars } from "./noise_schedule.ts";
import { blockWeights } from "../representation.ts";

/** Key of what is drawn for a step; the images' crops have the epoch there, from 0 on. */
const STEP_STREAM = -1;

/** The paper's target blocks (Table 8), the share of the image up to 0.25 so that small grids have one; height / width. */
const TARGET_SCALE = [0.15, 0.25] as const, TARGET_ASPECT = [0.75, 1.5] as const;

/** Which tokens are averaged: all of an image's, or those of a random target block. */
function poolings({ blocks }: PooledDecoderConfig, side: number): (batch: number, random: Random) => Pooling {
  const grid = [side, side] as const, tokens = side * side;
  const shapes = blocks > 0 ? blockShapesOfOneArea(grid, TARGET_SCALE, TARGET_ASPECT) : [];
  const whole = new Float32Array(tokens).fill(1 / tokens);
  return (batch, random) => {
    const pooling = new Float32Array(batch * tokens);
    for (let i = 0; i < batch; i++) {
      const isBlock = random.uniform() < blocks;
      const block = () => patchesOf(placeBlock(shapes[random.integer(shapes.length)], grid, random), grid);
      pooling.set(isBlock ? blockWeights(tokens, block()) : whole, i * tokens);
    }
    return { pooling: tf.tensor2d(pooling, [batch, tokens]) };
  };
}

/**
 * The context of each image and one of its target blocks, as multiBlock() draws them for pretraining.
 *
 * @param side patches down and across an image
 */
export function maskings(side: number): (batch: number, random: Random) => Masked {
  const sampler = multiBlock({ grid: [side, side] });
  return (batch, random) => {
    const masks = sampler(batch, random);
    return maskTensors({ ...masks, blocks: 1, targets: masks.targets.subarray(0, batch * masks.targetLength) });
  };
}

/**
 * What is drawn for step 0, 1, ... of a training and its micro-batch 0, 1, ..., as tensors beside the images; it depends on
 * seed, step and micro-batch alone.
 *
 * @param side the encoder's patches down and across an image
 * @throws RangeError where a share is not in 0 .. 1, or no target block fits a grid of that side
 */
export function pooledDraws(
  config: PooledDecoderConfig,
  side: number,
): (batch: number, step: number, part: number) => Omit<PooledInputs, keyof DecoderImages> {
  const { network, diffusion, unconditional, blocks, seed } = config;
  for (const [name, share] of Object.entries({ unconditional, blocks })) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`${name} is a share of the images, 0 to 1; got ${share}.`);
  }
  const left = alphaBars(diffusion.schedule, diffusion.steps);
  const averaged = config.of === "predictions" ? maskings(side) : poolings(config, side), { image } = network;

  return (batch, step, part) => {
    const random = part === 0 ? randomStream(seed, STEP_STREAM, step) : randomStream(seed, STEP_STREAM, step, part);
    const time = Int32Array.from({ length: batch }, () => random.integer(diffusion.steps));
    const kept = Float32Array.from({ length: batch }, () => random.uniform() < unconditional ? 0 : 1);
    const seen = averaged(batch, random);
    const noise = Float32Array.from({ length: batch * image * image * 3 }, () => random.normal());
    return {
      seen,
      noise: tf.tensor4d(noise, [batch, image, image, 3]),
      time: tf.tensor1d(Float32Array.from(time)),
      alphaBar: tf.tensor4d(Float32Array.from(time, (t) => left[t]), [batch, 1, 1, 1]),
      kept: tf.tensor1d(kept),
    };
  };
}
