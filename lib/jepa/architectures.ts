/**
 * The sizes of the paper's Vision Transformers by name, e.g. `architecture("L/16")`: width, depth and heads of encoder
 * and predictor, the names and shapes of their parameters, and how many these are. An architecture is a plain object;
 * one that has no name here is written out, or spread from one that has.
 *
 * @module
 */
import type { RotaryPairing } from "../nn/rotary.ts";

/** Sizes of an encoder, a Vision Transformer without [cls] token. */
export interface EncoderSize {
  /** Height and width of the image, in pixels. */
  image: number;
  /** Height and width of a patch, in pixels. */
  patch: number;
  /** Channels of the image. Default 3, colours. */
  channels?: number;
  /** Length of a token, D. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads, a divisor of the width. */
  heads: number;
  /** Hidden units of a block's MLP as a multiple of the width. */
  mlpRatio: number;
  /** What the layer norms add to the variance. Default 1e-6, the authors'; Hugging Face files may say another. */
  epsilon?: number;
  /** Frames of a clip; left out where the encoder sees images. */
  frames?: number;
  /** Frames of a token of a clip: tubelets of so many frames of a patch. */
  tubelet?: number;
  /** Of clips: positions turn queries and keys, in encoder and predictor, instead of being added to tokens. */
  rotary?: RotaryPairing;
}

/** Sizes of a predictor, a narrow Vision Transformer between two projections; its MLP ratio is always 4. */
export interface PredictorSize {
  /** Length of a token, P. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads, a divisor of the width. */
  heads: number;
  /**
   * Whether the context's tokens see one another alone, so that they are computed once for all target blocks, and a block's
   * mask tokens see them and themselves: about half of the predictor's work. In the paper each target block has the
   * context's tokens anew, and they see its mask tokens. Default false.
   */
  sharedContext?: boolean;
  /** V-JEPA's mask tokens, one for each kind of mask; left out for I-JEPA's single one. */
  maskTokens?: number;
  /** Numbers of the transformation that an image world model's predictor is told; left out for I-JEPA's, which is told none. */
  conditions?: number;
}

/** The sizes of an encoder (context and target encoder are alike) and of its predictor. */
export interface Architecture extends EncoderSize {
  /** Sizes of the predictor. */
  predictor: PredictorSize;
}

/**
 * Width, depth, heads, and width and depth of the predictor. B, L, H and G are the paper's; its G, the authors'
 * vit_giant, is called ViT-g elsewhere. Ti and S, which the paper has not trained, get a predictor of half their width,
 * as B has.
 */
const SIZES: Readonly<Record<string, readonly [number, number, number, number, number]>> = {
  Ti: [192, 12, 3, 96, 6],
  S: [384, 12, 6, 192, 6],
  B: [768, 12, 12, 384, 6],
  L: [1024, 24, 16, 384, 12],
  H: [1280, 32, 16, 384, 12],
  G: [1408, 40, 16, 384, 16],
};

/**
 * The architecture that a name such as "B/16" stands for: size, a slash, and the patch's side in pixels. The predictor
 * has as many heads as the encoder.
 *
 * @param options.image Side of the image in pixels, a multiple of the patch. Default 224.
 * @throws RangeError for a name or image that does not fit.
 */
export function architecture(name: string, options: { image?: number } = {}): Architecture {
  const { image = 224 } = options;
  const [, size, side] = /^(\w+)\/([1-9]\d*)$/.exec(name) ?? [];
  if (!Object.hasOwn(SIZES, size ?? "")) {
    throw new RangeError(
      `No architecture is called "${name}": a name is one of ${Object.keys(SIZES).join(", ")}, a slash and the ` +
        `patch's side in pixels, e.g. "B/16".`,
    );
  }
  const patch = Number(side);
  if (!Number.isInteger(image) || image < patch || image % patch !== 0) {
    throw new RangeError(`An image of ${image} pixels cannot be cut into patches of ${patch} for "${name}".`);
  }
  const [width, depth, heads, predictorWidth, predictorDepth] = SIZES[size];
  const mlpRatio = size === "G" ? 48 / 11 : 4;
  return {
    image,
    patch,
    width,
    depth,
    heads,
    mlpRatio,
    predictor: { width: predictorWidth, depth: predictorDepth, heads },
  };
}

/** The heads of the named Vision Transformer that has this width and depth, encoder and predictor alike, if one has. */
export function headsOf(width: number, depth: number): number | undefined {
  return Object.values(SIZES).find((size) => size[0] === width && size[1] === depth)?.[2];
}

/** Names and shapes of parameters, as in the authors' checkpoints. */
export type ParameterShapes = Record<string, readonly number[]>;

/** Tokens over time, down and across: [1, H/p, W/p] of an image. */
export function tokenGrid(
  { image, patch, frames = 1, tubelet = 1 }: Pick<EncoderSize, "image" | "patch" | "frames" | "tubelet">,
): readonly [times: number, rows: number, columns: number] {
  return [frames / tubelet, image / patch, image / patch];
}

/** Tokens of an image or a clip, N. */
export function tokenCount(size: Pick<EncoderSize, "image" | "patch" | "frames" | "tubelet">): number {
  return tokenGrid(size).reduce((product, n) => product * n);
}

/** The encoder's parameters. `pos_embed` [1, N, D] is fixed; rotary positions have none. */
export function encoderShapes(size: EncoderSize): ParameterShapes {
  const { patch, channels = 3, width, depth, mlpRatio, tubelet, rotary } = size;
  return {
    "patch_embed.proj.weight": [width, channels, ...tubelet === undefined ? [] : [tubelet], patch, patch],
    "patch_embed.proj.bias": [width],
    ...rotary ? {} : { "pos_embed": [1, tokenCount(size), width] },
    ...blockShapes("blocks", width, depth, mlpRatio),
    "norm.weight": [width],
    "norm.bias": [width],
  };
}

/**
 * What the predictor predicts of a target block: what the target encoder says of it seeing the whole image; its pixels
 * (Table 7); or what the target encoder says of it seeing nothing else (Table 11).
 */
export type TargetKind = "representations" | "pixels" | "maskedInput";

/** How many numbers the predictor says of a patch: a representation's, D, or a patch's pixels, C p^2. */
export function targetWidth(
  { patch, channels = 3, width }: Pick<EncoderSize, "patch" | "channels" | "width">,
  targets?: TargetKind,
): number {
  return targets === "pixels" ? channels * patch ** 2 : width;
}

/**
 * The predictor's parameters. `predictor_pos_embed` [1, N, P] is fixed; rotary positions have none.
 *
 * @param output numbers predicted of a patch; default the encoder's width, D
 */
export function predictorShapes(
  { width, predictor, ...size }: Architecture,
  output: number = width,
): ParameterShapes {
  const { maskTokens, conditions } = predictor,
    tokens = maskTokens === undefined ? ["mask_token"] : maskTokenNames(maskTokens);
  return {
    "predictor_embed.weight": [predictor.width, width],
    "predictor_embed.bias": [predictor.width],
    ...Object.fromEntries(tokens.map((name) => [name, [1, 1, predictor.width]])),
    ...conditions === undefined ? {} : conditionShapes(predictor.width, conditions),
    ...size.rotary ? {} : { "predictor_pos_embed": [1, tokenCount(size), predictor.width] },
    ...blockShapes("predictor_blocks", predictor.width, predictor.depth, 4),
    "predictor_norm.weight": [predictor.width],
    "predictor_norm.bias": [predictor.width],
    "predictor_proj.weight": [output, predictor.width],
    "predictor_proj.bias": [output],
  };
}

/** What makes mask tokens of themselves and of a transformation: two layers. */
const conditionShapes = (width: number, conditions: number): ParameterShapes => ({
  "condition.fc1.weight": [width, width + conditions],
  "condition.fc1.bias": [width],
  "condition.fc2.weight": [width, width],
  "condition.fc2.bias": [width],
});

/** V-JEPA's mask tokens by name. */
const maskTokenNames = (count: number) => Array.from({ length: count }, (_, i) => `mask_tokens.${i}`);

function blockShapes(prefix: string, width: number, depth: number, mlpRatio: number): ParameterShapes {
  const hidden = Math.round(width * mlpRatio);
  const shapes: ParameterShapes = {};
  for (let i = 0; i < depth; i++) {
    const block = `${prefix}.${i}`;
    shapes[`${block}.norm1.weight`] = [width];
    shapes[`${block}.norm1.bias`] = [width];
    shapes[`${block}.attn.qkv.weight`] = [3 * width, width];
    shapes[`${block}.attn.qkv.bias`] = [3 * width];
    shapes[`${block}.attn.proj.weight`] = [width, width];
    shapes[`${block}.attn.proj.bias`] = [width];
    shapes[`${block}.norm2.weight`] = [width];
    shapes[`${block}.norm2.bias`] = [width];
    shapes[`${block}.mlp.fc1.weight`] = [hidden, width];
    shapes[`${block}.mlp.fc1.bias`] = [hidden];
    shapes[`${block}.mlp.fc2.weight`] = [width, hidden];
    shapes[`${block}.mlp.fc2.bias`] = [width];
  }
  return shapes;
}

/** How many numbers are trained; the fixed position embeddings are not counted. */
export function parameterCount(
  architecture: Architecture,
  targets?: TargetKind,
): { encoder: number; predictor: number } {
  const count = (shapes: ParameterShapes) =>
    Object.entries(shapes)
      .filter(([name]) => !name.endsWith("pos_embed"))
      .reduce((sum, [, shape]) => sum + shape.reduce((product, n) => product * n, 1), 0);
  const predictor = count(predictorShapes(architecture, targetWidth(architecture, targets)));
  return { encoder: count(encoderShapes(architecture)), predictor };
}
