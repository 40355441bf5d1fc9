/**
 * What a run needs, before it is started: memory, operations, bytes between devices, and time.
 *
 * @module
 */
import { parameterCount } from "../architectures.ts";
import { type StepFlops, stepFlops, type TokenCounts, totalFlops } from "../flops.ts";
import { lengthsAsPublished, type MaskSize } from "../mask_samplers/as_published_lengths.ts";
import { maskSampler } from "../mask_samplers/by_name.ts";
import { enclosing, firstThatFits, paddedSizes } from "../mask_samplers/padding.ts";
import { randomStream } from "../../random.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import type { RunConfig } from "./presets.ts";
import { totalStepsOf } from "./pretraining_objective.ts";
import { largestBatch, type StepMemory, stepMemory, totalMemory } from "./step_memory.ts";

/** A device, by its data sheet. */
export interface Device {
  /** Operations a second in dense matrix products. */
  peak: Record<Precision, number>;
  /** Bytes. */
  memory: number;
}

/** GPUs by name; float32 products are TF32's there, TensorFlow's default. */
export const DEVICES = {
  /** H100 SXM, 80 GB. */
  h100: { peak: { float32: 494e12, bfloat16: 989e12 }, memory: 80e9 },
  /** A100, 80 GB. */
  a100: { peak: { float32: 156e12, bfloat16: 312e12 }, memory: 80e9 },
} as const satisfies Record<string, Device>;

/** Cores of a CPU as those of the README's timings (AMD Zen 4 with AVX-512 BF16 at 3.5 GHz), and the machine's memory. */
export function cpuDevice(cores: number, memory: number): Device {
  return { peak: { float32: cores * 112e9, bfloat16: cores * 224e9 }, memory };
}

/** Of a device's memory, what a step may take: the rest is TensorFlow's own, and what its allocator cannot use. */
const USABLE = 0.8;

/** The masks that a device draws for its images at once. */
export interface MaskEstimate {
  /** Patches an image on average, as they are drawn. */
  drawn: TokenCounts;
  /** The longest that a step has to hold, padding included. */
  longest: TokenCounts;
  /** A step's FLOPs for one image on average, without padding, with what recomputation would add. */
  flops: StepFlops;
  /** What padding adds to them, as a share. */
  padding: number;
}

/** Averages of records of numbers, weighted. */
function average<T extends object>(items: readonly { value: T; weight: number }[]): T {
  const whole = items.reduce((sum, { weight }) => sum + weight, 0);
  const keys = Object.keys(items[0].value) as (keyof T)[];
  const mean = (key: keyof T) => items.reduce((sum, { value, weight }) => sum + weight * (value[key] as number), 0);
  return Object.fromEntries(keys.map((key) => [key, mean(key) / whole])) as T;
}

/** How long the masks of `batch` images are, and what they cost. */
export function estimateMasks({ masks, architecture, targets }: RunConfig, batch: number): MaskEstimate {
  const side = architecture.image / architecture.patch, grid = [side, side] as const;
  const drawn = maskSampler(masks, grid)(1, randomStream(0)), { blocks } = drawn;
  const sizes = paddedSizes(masks, architecture, batch);
  const likely = masks.sampler === "multiBlockAsPublished"
    ? lengthsAsPublished({ ...masks, grid }, batch)
    : [{ contextLength: drawn.contextLength, targetLength: drawn.targetLength, probability: 1 }];
  const flopsOf = ({ contextLength, targetLength }: MaskSize) =>
    stepFlops(architecture, { contextLength, targetLength, blocks }, { recompute: true, targets });
  const over = <T extends object>(of: (size: MaskSize) => T) =>
    average(likely.map((size) => ({ value: of(size), weight: size.probability })));
  const padded = (size: MaskSize) => firstThatFits(size, sizes) ?? size;
  const flops = over(flopsOf);
  return {
    drawn: over(({ contextLength, targetLength }) => ({ contextLength, targetLength, blocks })),
    longest: { ...enclosing(likely.map(padded)), blocks },
    flops,
    padding: totalFlops(over((size) => flopsOf(padded(size)))) / totalFlops(flops) - 1,
  };
}

/** How a run is spread over devices. */
export interface EstimateOptions {
  /** Images of the data set. */
  images: number;
  /** Devices that share a batch. */
  devices: number;
  /** Each of them. */
  device: Device;
  /** Images a device works on at once. Default its share of the batch. */
  microBatch?: number;
  /** Share of the peak that the products reach, in 0 .. 1. */
  share: number;
}

/** A run that keeps what its blocks compute, or that computes it again. */
export interface RunPlan {
  /** On each device. */
  memory: StepMemory;
  /** Whether that is no more than a device can give. */
  fits: boolean;
  /** The most images at once with which it is no more; 0 where not even one is. */
  largestMicroBatch: number;
  /** FLOPs an image, padding included. */
  flops: number;
  /** One step, images and sending left out. */
  secondsPerStep: number;
  /** The whole run. */
  seconds: number;
}

/** What a run needs. */
export interface Estimate {
  /** How many numbers are trained. */
  parameters: { encoder: number; predictor: number };
  /** Of a micro-batch. */
  masks: MaskEstimate;
  /** Images a device works on at once. */
  microBatch: number;
  /** Bytes of gradients that the devices add up in each step. */
  reduced: number;
  /** Steps of the whole run. */
  steps: number;
  /** Without recomputation. */
  kept: RunPlan;
  /** With it. */
  recomputed: RunPlan;
}

/** What a run computes in on a device: where it leaves that open, what the device is faster in. */
export function precisionOn({ peak }: Pick<Device, "peak">, { precision }: Pick<RunConfig, "precision">): Precision {
  if (precision !== "auto") return precision;
  return peak.bfloat16 > peak.float32 ? "bfloat16" : "float32";
}

/**
 * Estimates a run.
 *
 * @throws RangeError where a batch cannot be shared out evenly, or the images make no step
 */
export function estimateRun(config: RunConfig, options: EstimateOptions): Estimate {
  const { architecture, batch, targets } = config, { images, devices, device, share } = options;
  const precision = precisionOn(device, config);
  const apart = batch / devices, microBatch = options.microBatch ?? Math.min(apart, config.microBatch ?? apart);
  if (!Number.isInteger(apart)) {
    throw new RangeError(`A batch of ${batch} images cannot be shared out evenly to ${devices} devices.`);
  }
  if (!(microBatch >= 1 && Number.isInteger(apart / microBatch))) {
    throw new RangeError(`A device's ${apart} images cannot be worked on ${microBatch} at once: name a divisor.`);
  }
  const masks = estimateMasks(config, microBatch), parameters = parameterCount(architecture, targets);
  const steps = totalStepsOf({ ...config, microBatch: undefined }, images), capacity = USABLE * device.memory;
  const plan = (recompute: boolean): RunPlan => {
    const how = { precision, recompute, targets };
    const memory = stepMemory(architecture, masks.longest, { ...how, batch: microBatch });
    const { recomputed, ...once } = masks.flops;
    const flops = totalFlops({ ...once, recomputed: recompute ? recomputed : 0 }) * (1 + masks.padding);
    const secondsPerStep = batch * flops / (devices * device.peak[precision] * share);
    return {
      memory,
      fits: totalMemory(memory) <= capacity,
      largestMicroBatch: largestBatch(architecture, masks.longest, how, capacity),
      flops,
      secondsPerStep,
      seconds: steps * secondsPerStep,
    };
  };
  const reduced = 4 * (parameters.encoder + parameters.predictor);
  return { parameters, masks, microBatch, reduced, steps, kept: plan(false), recomputed: plan(true) };
}

/** The share of the devices' peak that it takes to work on `images` images in `seconds`. */
export function impliedShare(
  flopsPerImage: number,
  { images, seconds, devices, peak }: { images: number; seconds: number; devices: number; peak: number },
): number {
  return flopsPerImage * images / (seconds * devices * peak);
}
