/**
 * Floating-point operations of a training step, counted from the sizes: a multiplication and an addition are two. Matrix
 * products alone; norms, softmax, GELU, loss and optimiser are left out, a percent or two where tokens are wide.
 *
 * @module
 */
import { type Architecture, type EncoderSize, type TargetKind, targetWidth } from "./architectures.ts";

/** How many tokens a step works on. */
export interface TokenCounts {
  /** Context patches an image, C. */
  contextLength: number;
  /** Patches of a target block, T. */
  targetLength: number;
  /** Target blocks an image, M. */
  blocks: number;
}

/**
 * One transformer block on `tokens` tokens, of which the last `asking` alone are computed.
 *
 * @param pairs of tokens of which one sees the other; default all that there are
 */
function blockFlops(width: number, hidden: number, tokens: number, asking = tokens, pairs = asking * tokens): number {
  const keysAndValues = 2 * tokens * width ** 2;
  const attention = 2 * pairs * width; // scores, and the weighted sum of the values
  const rest = asking * (2 * width ** 2 + 2 * width * hidden); // queries, projection, MLP
  return 2 * (keysAndValues + attention + rest);
}

const embeddingFlops = ({ patch, channels = 3, width }: EncoderSize, tokens: number) =>
  2 * tokens * channels * patch ** 2 * width;

/** An image's way through the encoder. For 196 tokens of ViT-B/16, 35 GFLOP (17.5 G multiplications and additions). */
export function encoderFlops(size: EncoderSize, tokens: number): number {
  const { width, depth, mlpRatio } = size;
  return embeddingFlops(size, tokens) + depth * blockFlops(width, Math.round(width * mlpRatio), tokens);
}

/** The same and back, for the gradient: twice the way there, but that nothing is derived by the pixels. */
export function trainedEncoderFlops(size: EncoderSize, tokens: number): number {
  return 3 * encoderFlops(size, tokens) - embeddingFlops(size, tokens);
}

/** An image's way through the predictor, once for each target block but for a context that they share. */
export function predictorFlops(architecture: Architecture, lengths: TokenCounts, targets?: TargetKind): number {
  const { contextLength, targetLength, blocks } = lengths, { width, predictor } = architecture;
  const { width: narrow, depth, sharedContext } = predictor, hidden = 4 * narrow;
  const together = contextLength + targetLength, masked = blocks * targetLength;
  const between = sharedContext
    ? blockFlops(narrow, hidden, contextLength + masked, undefined, contextLength ** 2 + masked * together)
    : blocks * blockFlops(narrow, hidden, together);
  const last = sharedContext
    ? blockFlops(narrow, hidden, contextLength + masked, masked, masked * together)
    : blocks * blockFlops(narrow, hidden, together, targetLength);
  const projection = 2 * masked * narrow * targetWidth(architecture, targets);
  return 2 * contextLength * width * narrow + (depth - 1) * between + last + projection;
}

/** What a step computes for one image. */
export interface StepFlops {
  /** The target encoder's forward pass over all patches, and where it sees target blocks alone, over each of these too. */
  target: number;
  /** The context encoder's forward and backward pass. */
  context: number;
  /** The predictor's forward and backward pass. */
  predictor: number;
  /** What is computed a second time with recomputation: the blocks' forward pass. */
  recomputed: number;
}

/** A step's FLOPs for one image: a backward pass costs twice its forward pass, but for what nothing is derived by. */
export function stepFlops(
  architecture: Architecture,
  lengths: TokenCounts,
  { recompute = false, targets }: { recompute?: boolean; targets?: TargetKind } = {},
): StepFlops {
  const { image, patch } = architecture, { contextLength, targetLength, blocks } = lengths;
  const context = encoderFlops(architecture, contextLength), predictor = predictorFlops(architecture, lengths, targets);
  const alone = targets === "maskedInput" ? blocks * encoderFlops(architecture, targetLength) : 0;
  const embedding = embeddingFlops(architecture, contextLength);
  return {
    target: encoderFlops(architecture, (image / patch) ** 2) + alone,
    context: trainedEncoderFlops(architecture, contextLength),
    predictor: 3 * predictor,
    recomputed: recompute ? context - embedding + predictor : 0,
  };
}

/** The sum of the parts. */
export function totalFlops({ target, context, predictor, recomputed }: StepFlops): number {
  return target + context + predictor + recomputed;
}
