/**
 * One step of training a decoder as a pure function: the frozen encoder's representation, the loss and its gradients, AdamW,
 * and the moving average of the weights.
 *
 * @module
 */
import { isTrained, type Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { adamw, clipFactor, globalNorm, type Moments, movingAverage } from "../training/adamw.ts";
import type { StepScalars } from "../training/step.ts";
import type { DecoderConfig, PatchDecoderConfig, PooledDecoderConfig } from "./decoder_presets.ts";
import { addNoise, velocity } from "./diffusion.ts";
import { decodePatches, reconstructionLoss, squaredError } from "./patch_decoder.ts";
import { toImages, toPatches } from "./pixels.ts";
import {
  type EncoderSetting,
  poolTokens,
  representTokens,
  type Standardisation,
  standardiseBy,
} from "./representation.ts";
import { unet } from "./unet.ts";

/** What a training carries from step to step. */
export interface DecoderState {
  /** The parameters that are trained. */
  decoder: Parameters;
  /** Their moving average. */
  average: Parameters;
  /** Of the gradients. */
  moments: Moments;
}

/** What does not change. */
export interface Frozen {
  /** The encoder's parameters. */
  encoder: Parameters;
  /** Of its pooled representations or of its tokens, whichever the decoder takes. */
  standardisation: Standardisation;
}

/** A step's images. */
export interface DecoderImages {
  /** uint8 [B, H, W, 3], of the encoder's size. */
  pixels: Tensor;
  /** uint8 [B, image, image, 3], of the decoder's. */
  wanted: Tensor;
}

/** A step's images, and what is drawn for them. */
export interface PooledInputs extends DecoderImages {
  /** float32 [B, N], which of the encoder's tokens are averaged: see poolTokens(). */
  pooling: Tensor;
  /** float32 [B, image, image, 3], standard normal. */
  noise: Tensor;
  /** float32 [B], steps of the diffusion. */
  time: Tensor;
  /** float32 [B, 1, 1, 1], alpha-bar of these. */
  alphaBar: Tensor;
  /** float32 [B], 0 where the condition is dropped, else 1. */
  kept: Tensor;
}

/** What a step reports, as float32 scalars. */
export interface DecoderMetrics {
  /** What is minimised. */
  loss: Tensor;
  /** Norm of all gradients before clipping. */
  gradientNorm: Tensor;
}

/** Gradients of a loss, and the update that follows from them. */
function update(
  { decoder, average, moments }: DecoderState,
  lossOf: (decoder: Parameters) => Tensor,
  scalars: StepScalars,
  clip: number,
): { state: DecoderState; result: DecoderMetrics } {
  const names = Object.keys(decoder).filter(isTrained);
  const { value: loss, grads } = tf.valueAndGrads((...values: Tensor[]) =>
    lossOf({ ...decoder, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) }) as tf.Scalar
  )(names.map((name) => decoder[name]));
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  const gradientNorm = globalNorm(gradients);
  const next = adamw(decoder, gradients, moments, { ...scalars, clip: clipFactor(gradientNorm, clip) });
  return {
    state: {
      decoder: next.parameters,
      average: movingAverage(average, next.parameters, scalars.momentum),
      moments: next.moments,
    },
    result: { loss, gradientNorm },
  };
}

/** A step of the pooled decoder: DDPM's simple loss (Ho et al. 2020, equation 14) for v, see diffusion.ts. */
export function pooledStep(
  config: PooledDecoderConfig,
  setting: EncoderSetting,
  state: DecoderState,
  { encoder, standardisation }: Frozen,
  { pixels, wanted, pooling, noise, time, alphaBar, kept }: PooledInputs,
  scalars: StepScalars,
): { state: DecoderState; result: DecoderMetrics } {
  const tokens = representTokens(encoder, setting, pixels); // [B, N, D]
  const condition = standardiseBy(poolTokens(tokens, pooling), standardisation); // [B, D]
  const image = toImages(wanted); // [B, image, image, 3]
  const noisy = addNoise(image, noise, alphaBar), v = velocity(image, noise, alphaBar);
  return update(
    state,
    (p) => tf.mean(squaredError(unet(p, config.network, noisy, time, condition, kept), v)),
    scalars,
    config.clip,
  );
}

/** A step of the patch decoder. */
export function patchStep(
  config: PatchDecoderConfig,
  setting: EncoderSetting,
  state: DecoderState,
  { encoder, standardisation }: Frozen,
  { pixels, wanted }: DecoderImages,
  scalars: StepScalars,
): { state: DecoderState; result: DecoderMetrics } {
  const tokens = standardiseBy(representTokens(encoder, setting, pixels), standardisation); // [B, N, D]
  const image = toPatches(wanted, config.network.patch); // [B, N, 3*p*p]
  return update(
    state,
    (p) => reconstructionLoss(decodePatches(p, config.network, tokens), image, config.loss),
    scalars,
    config.clip,
  );
}

/** The step of a decoder of either kind; the pooled one's inputs are PooledInputs. */
export function decoderStep(
  config: DecoderConfig,
  setting: EncoderSetting,
  state: DecoderState,
  frozen: Frozen,
  inputs: DecoderImages,
  scalars: StepScalars,
): { state: DecoderState; result: DecoderMetrics } {
  return config.kind === "pooled"
    ? pooledStep(config, setting, state, frozen, inputs as PooledInputs, scalars)
    : patchStep(config, setting, state, frozen, inputs, scalars);
}
