/**
 * checkDecoderConfig(): holds that the configuration of a decoder's training is one.
 *
 * @module
 */
import { checkShape, count, counts, naming, number, oneOf, optional, record, type Shape, share } from "../shapes.ts";
import { partsOf } from "../training/steps.ts";
import type { DecoderConfig, DecoderTraining, PatchDecoderConfig, PooledDecoderConfig } from "./decoder_presets.ts";
import { alphaBars } from "./diffusion/noise_schedule.ts";
import type { PatchDecoderSize } from "./patch_decoder.ts";
import { checkUnet, type UnetSize } from "./diffusion/unet.ts";

const TRAINING = {
  batch: count,
  microBatch: optional(count),
  epochs: number({ above: 0 }),
  learningRate: record<DecoderTraining["learningRate"]>({
    peak: number({ above: 0 }),
    final: number({ least: 0 }),
    warmup: number({ least: 0, below: 1 }),
  }),
  weightDecay: number({ least: 0 }),
  average: share,
  clip: number({ above: 0, infinite: true }),
  precision: oneOf("auto", "float32", "bfloat16"),
  seed: number({ least: 0, whole: true }),
};

/** Each kind's configuration; that it fits its encoder, checkDecoderFits() holds. */
const SHAPES: Record<DecoderConfig["kind"], Shape> = {
  pooled: record<PooledDecoderConfig>({
    kind: oneOf("pooled"),
    ...TRAINING,
    network: record<UnetSize>({
      ...{ image: count, channels: counts, heads: count, condition: count },
      ...{ blocks: optional(count), attention: optional(counts) },
    }, checkUnet),
    diffusion: record<PooledDecoderConfig["diffusion"]>(
      { schedule: oneOf("cosine", "linear"), steps: count },
      ({ schedule, steps }) => alphaBars(schedule, steps),
    ),
    of: optional(oneOf("representations", "predictions")),
    unconditional: share,
    blocks: share,
  }, (config) => {
    partsOf(config);
    if (config.of === "predictions" && config.blocks !== 0) {
      throw new RangeError(
        `blocks is 0 where a decoder is of predictions, which are all of blocks; got ${config.blocks}.`,
      );
    }
  }),
  patches: record<PatchDecoderConfig>({
    kind: oneOf("patches"),
    ...TRAINING,
    network: record<PatchDecoderSize>(
      { image: count, patch: count, width: count, depth: count, heads: count, condition: count },
    ),
    loss: oneOf("l1", "l2"),
  }, partsOf),
};

/**
 * Holds that a configuration is a decoder's.
 *
 * @param from the file that it is from, for the sentence
 * @throws RangeError in one sentence, as checkConfig() does
 */
export function checkDecoderConfig(config: unknown, from?: string): asserts config is DecoderConfig {
  naming(from, () => {
    const { kind } = { ...config as Partial<DecoderConfig> };
    oneOf(...Object.keys(SHAPES)).check(kind, "kind");
    checkShape(config, SHAPES[kind!]);
  });
}

/**
 * A decoder's configuration out of the config.json of its run, which says beside it which encoder is decoded.
 *
 * @throws RangeError as checkDecoderConfig() does
 */
export function decoderConfigIn(kept: object, from: string): DecoderConfig {
  const { encoder: _, ...config } = kept as { encoder?: string };
  checkDecoderConfig(config, from);
  return config;
}
