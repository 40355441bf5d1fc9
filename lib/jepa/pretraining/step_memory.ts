/**
 * The memory that a training step takes, part by part, from the sizes alone.
 *
 * What the backward pass needs of a block is known from lib/nn/layers.ts: the inputs of its products and of its fused
 * kernels. What TensorFlow itself takes (libraries, compiled kernels, what its allocators hold back) comes on top: 0.6 GB
 * on a CPU. Beyond that, ViT-S/16's float32 step took 3 % more for an image than is said here, its bfloat16 step 20 %.
 *
 * @module
 */
import { type Architecture, parameterCount, type TargetKind, targetWidth } from "../architectures.ts";
import type { TokenCounts } from "../flops.ts";
import type { Precision } from "../../tensorflow/autocast.ts";

/** How a step is run, as far as its memory depends on it. */
export interface StepMemoryOptions {
  /** Images at once. */
  batch: number;
  /** What matrix products compute in, and keep. */
  precision: Precision;
  /** Whether blocks keep their inputs alone. */
  recompute: boolean;
  /** What is predicted. Default "representations". */
  targets?: TargetKind;
}

/** Bytes by what they hold. */
export interface StepMemory {
  /** Context encoder and predictor, float32. */
  weights: number;
  /** The target encoder, float32. */
  average: number;
  /** Adam's two moments of all that is trained, float32. */
  moments: number;
  /** One for each number that is trained; those of matrices in the products' precision. */
  gradients: number;
  /** The weights rounded to bfloat16, as products read them. */
  rounded: number;
  /** What the forward pass keeps for the backward pass, and the largest block's while it works. */
  activations: number;
}

/** Bytes of a number that stays float32. */
const FULL = 4;

/** What one block keeps for an image, where the last `asking` of its tokens alone are computed, and `pairs` see each other. */
function blockBytes(
  { width, hidden, heads, tokens, asking = tokens, pairs = asking * tokens }: {
    width: number;
    hidden: number;
    heads: number;
    tokens: number;
    asking?: number;
    pairs?: number;
  },
  product: number,
): number {
  const stream = FULL * width * (tokens + asking); // what enters attention and MLP
  const beforeAttention = product * width * tokens * (1 + 3 + 3); // norm, product, heads
  const attention = product * heads * pairs * 2; // scores and weights
  const after = product * asking * (width * 5 + hidden * 2); // values, merged, two products, norm; before and after GELU
  return stream + beforeAttention + attention + after;
}

/** Bytes that a step keeps for one image. */
function imageBytes(
  architecture: Architecture,
  lengths: TokenCounts,
  { precision, recompute, targets }: Omit<StepMemoryOptions, "batch">,
): number {
  const { image, patch, channels = 3, width, depth, heads, mlpRatio, predictor } = architecture;
  const { contextLength, targetLength, blocks } = lengths, patches = (image / patch) ** 2;
  const product = precision === "bfloat16" ? 2 : FULL, hidden = Math.round(width * mlpRatio);
  const together = contextLength + targetLength;
  const inputOf = (tokens: number, width: number) => FULL * tokens * width;

  const encoderBlock = blockBytes({ width, hidden, heads, tokens: contextLength }, product);
  const masked = blocks * targetLength, times = predictor.sharedContext ? 1 : blocks;
  const sizes = { width: predictor.width, hidden: 4 * predictor.width, heads: predictor.heads };
  const [narrow, last] = predictor.sharedContext
    ? [
      { ...sizes, tokens: contextLength + masked, pairs: contextLength ** 2 + masked * together },
      { ...sizes, tokens: contextLength + masked, asking: masked, pairs: masked * together },
    ]
    : [{ ...sizes, tokens: together }, { ...sizes, tokens: together, asking: targetLength }];
  const predictorBlock = times * blockBytes(narrow, product), lastBlock = times * blockBytes(last, product);
  // The target encoder runs beside the others and may be under way when they have kept all: with a block's widest parts.
  const beside = inputOf(patches, width) + product * patches * (2 * hidden + 2 * heads * patches);
  const kept = recompute
    ? depth * inputOf(contextLength, width) + times * predictor.depth * inputOf(narrow.tokens, predictor.width) +
      Math.max(encoderBlock, predictorBlock)
    : depth * encoderBlock + (predictor.depth - 1) * predictorBlock + lastBlock + beside;

  const pixels = inputOf(patches, channels * patch ** 2) + image ** 2 * channels * (channels === 3 ? 1 : FULL);
  const ends = inputOf(contextLength, width) * 2 + inputOf(patches, width); // before and after the norm; all targets
  const loss = blocks * inputOf(targetLength, targetWidth(architecture, targets)) * 4; // targets, product, prediction, errors
  return pixels + kept + ends + loss;
}

/**
 * The memory of a step, in bytes.
 *
 * @param lengths of the masks, padding included
 */
export function stepMemory(
  architecture: Architecture,
  lengths: TokenCounts,
  options: StepMemoryOptions,
): StepMemory {
  const { encoder, predictor } = parameterCount(architecture, options.targets), trained = encoder + predictor;
  const isReduced = options.precision === "bfloat16";
  return {
    weights: FULL * trained,
    average: FULL * encoder,
    moments: FULL * trained * 2,
    gradients: (isReduced ? 2 : FULL) * trained,
    rounded: isReduced ? 2 * (trained + encoder) : 0,
    activations: options.batch * imageBytes(architecture, lengths, options),
  };
}

/** The sum of the parts. */
export function totalMemory(memory: StepMemory): number {
  return Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
}

/** The most images at once whose step takes no more than `capacity` bytes; 0 where not even one does. */
export function largestBatch(
  architecture: Architecture,
  lengths: TokenCounts,
  options: Omit<StepMemoryOptions, "batch">,
  capacity: number,
): number {
  const of = (batch: number) => totalMemory(stepMemory(architecture, lengths, { ...options, batch }));
  return Math.max(0, Math.floor((capacity - of(0)) / (of(1) - of(0))));
}
