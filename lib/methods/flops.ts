/**
 * What an image costs each method in training, in floating-point operations, so that their accuracies can be drawn over
 * one axis. Matrix products alone, as in jepa/flops.ts, whose counts of encoder and predictor these are made of.
 *
 * @module
 */
import { type EncoderSize, targetWidth } from "../jepa/architectures.ts";
import { encoderFlops, predictorFlops, totalFlops, trainedEncoderFlops } from "../jepa/flops.ts";
import { maskSampler } from "../jepa/mask_samplers/by_name.ts";
import { randomMasks } from "../jepa/mask_samplers/ablations.ts";
import { estimateMasks } from "../jepa/pretraining/estimate.ts";
import { randomStream } from "../random.ts";
import { convolutionalDecoderShapes, type ConvolutionalDecoderSize } from "./parts/convolutional_decoder.ts";
import type { CropsConfig } from "./crops.ts";
import { dinoHeadShapes } from "./objectives/dino.ts";
import { inverseBlockMasks } from "./parts/inverse_block_masks.ts";
import type { MethodConfig } from "./methods.ts";
import { projectorShapes } from "./parts/projector.ts";

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** A row's way through the layers with these weights, each used once: 2 for every number of a matrix. */
const layersFlops = (shapes: Readonly<Record<string, readonly number[]>>) =>
  2 * Object.values(shapes).filter((shape) => shape.length > 1).reduce((sum, shape) => sum + size(shape), 0);

const gridOf = ({ image, patch }: EncoderSize) => [image / patch, image / patch] as const;

/** Tokens of each crop of an image, the large ones first. */
function cropTokens({ architecture: { image, patch }, views, local }: CropsConfig): number[] {
  const large = new Array<number>(views).fill((image / patch) ** 2);
  return local ? [...large, ...new Array<number>(local.views).fill((local.size / patch) ** 2)] : large;
}

/** Crops through the encoder and, averaged, through a head of these weights, and back. */
function comparedCropsFlops(config: CropsConfig, head: Readonly<Record<string, readonly number[]>>): number {
  const encoder = cropTokens(config).map((tokens) => trainedEncoderFlops(config.architecture, tokens));
  return encoder.reduce((sum, flops) => sum + flops + 3 * layersFlops(head), 0);
}

/** Every token through the convolutions, whose weights each place uses once. */
const decoderFlops = (width: number, decoder: ConvolutionalDecoderSize, tokens: number) =>
  tokens * layersFlops(convolutionalDecoderShapes(width, decoder));

/**
 * FLOPs of a training step for one image, all its masks and crops included: forward and backward pass, the moving average's
 * forward pass where there is one, and what the loss takes in matrix products. What `recompute` adds is left out.
 */
export function flopsPerImage(config: MethodConfig): number {
  const { architecture } = config, grid = gridOf(architecture), tokens = grid[0] * grid[1];
  switch (config.method) {
    case undefined:
    case "ijepa": {
      const { flops, padding } = estimateMasks(config, config.microBatch ?? config.batch);
      return totalFlops({ ...flops, recomputed: 0 }) * (1 + padding);
    }
    case "mae": {
      const lengths = randomMasks({ grid, targetScale: config.maskRatio })(1, randomStream(0));
      const decoder = predictorFlops({ ...architecture, predictor: config.decoder }, lengths, "pixels");
      return trainedEncoderFlops(architecture, lengths.contextLength) + 3 * decoder;
    }
    case "simmim":
      return trainedEncoderFlops(architecture, tokens) +
        3 * tokens * 2 * architecture.width * targetWidth(architecture, "pixels");
    case "data2vec": {
      const { visibleLength } = inverseBlockMasks({ grid, hidden: config.hidden })(1, randomStream(0));
      const decoder = 3 * decoderFlops(architecture.width, config.decoder, tokens);
      return encoderFlops(architecture, tokens) +
        config.masksPerImage * (trainedEncoderFlops(architecture, visibleLength) + decoder);
    }
    case "lejepa": {
      const { projector, directions } = config;
      // SIGReg looks at every crop along fixed directions: there, and back to the projections alone.
      const shadows = 2 * cropTokens(config).length * 2 * projector.outputs * directions;
      return comparedCropsFlops(config, projectorShapes(architecture.width, projector)) + shadows;
    }
    case "vicreg": {
      const { projector, views } = config;
      const covariances = 3 * views * 2 * projector.outputs ** 2;
      return comparedCropsFlops(config, projectorShapes(architecture.width, projector)) + covariances;
    }
    case "dino": {
      const head = dinoHeadShapes(architecture.width, config.head);
      const teacher = config.views * (encoderFlops(architecture, tokens) + layersFlops(head));
      return teacher + comparedCropsFlops(config, head);
    }
    case "iwm": {
      const { architecture, masks } = config, { width, conditions } = architecture.predictor;
      const lengths = maskSampler(masks, grid)(1, randomStream(0));
      const told = lengths.blocks * lengths.targetLength * 2 * (2 * width + conditions) * width; // two layers a mask token
      return encoderFlops(architecture, tokens) + trainedEncoderFlops(architecture, lengths.contextLength) +
        3 * (predictorFlops(architecture, lengths) + told);
    }
  }
}
