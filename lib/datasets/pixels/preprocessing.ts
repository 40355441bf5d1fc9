/**
 * What happens to an image between its file and the encoder: resize, centred crop, and the mean and deviation by which
 * pixels are standardised. The kit's own, or as a Hugging Face preprocessor_config.json says.
 *
 * @module
 */
import { centredBox, checkSize, type Cut, type Interpolation } from "./crop.ts";

/** The square that is made of an image. */
export interface Framing {
  /** The shorter side after resizing, in pixels; or the exact [height, width], whatever the image's shape. */
  resize: number | [number, number];
  /** Side of the centred square that is then cut out, in pixels. */
  crop: number;
  /** How the resized pixels come from the image's; antialiased where it shrinks. */
  interpolation: Interpolation;
}

/** What is made of an image's pixels before the encoder sees them. */
export interface Preprocessing extends Framing {
  /** Of pixels / 255, by channel; it is taken off. */
  mean: number[];
  /** Of pixels / 255, by channel; what is left is divided by it. */
  deviation: number[];
}

/** Mean and deviation of ImageNet's pixels in [0, 1], by which the authors standardise images. */
const IMAGENET: Pick<Preprocessing, "mean" | "deviation"> = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/**
 * The kit's own, and the one it pretrains with: the shorter side is resized to `image` pixels, bicubic, the centred
 * square is taken, and pixels are standardised by ImageNet's mean and deviation.
 *
 * @throws RangeError unless `image` is a whole number of pixels and there are three channels
 */
export function defaultPreprocessing(image: number, channels = 3): Preprocessing {
  checkSize(image);
  if (channels !== 3) {
    throw new RangeError(
      `Nothing says the mean and deviation of the encoder's ${channels} channels: give them in a preprocessor_config.json ` +
        "(--preprocessing FILE.json).",
    );
  }
  return { resize: image, crop: image, interpolation: "bicubic", ...IMAGENET };
}

/** The framing that is asked for by itself or, as the default one, by its size; checked. */
export function framingOf(asked: number | Framing): Framing {
  const framing = typeof asked === "number" ? defaultPreprocessing(asked) : asked;
  checkFraming(framing);
  return framing;
}

/**
 * Holds that the square can be cut from the resized image.
 *
 * @throws RangeError where a side is no whole number of pixels, or the crop is larger than the resized image
 */
export function checkFraming({ resize, crop, interpolation }: Framing): void {
  for (const side of [resize, crop].flat()) checkSize(side);
  const least = Math.min(...[resize].flat());
  if (crop > least) {
    throw new RangeError(
      `A square of ${crop} pixels cannot be cut from an image resized to ${least}: resize it larger.`,
    );
  }
  if (interpolation !== "bicubic" && interpolation !== "bilinear") {
    throw new RangeError(`Images are resized bicubic or bilinear; got "${interpolation}".`);
  }
}

/**
 * How an image of this width and height becomes the square. The longer side becomes resize * longer / shorter, rounded
 * down, as in torchvision; of an odd number of pixels to cut off, the smaller half goes before the square, as in
 * transformers (torchvision rounds that to even: 1.5 pixels are 1 here and 2 there).
 */
export function centredCut(width: number, height: number, { resize, crop, interpolation }: Framing): Cut {
  const short = Math.min(width, height);
  const [resizedHeight, resizedWidth] = typeof resize === "number"
    ? [Math.floor(resize * height / short), Math.floor(resize * width / short)]
    : resize;
  return {
    box: { x: 0, y: 0, width, height },
    width: resizedWidth,
    height: resizedHeight,
    window: centredBox(resizedWidth, resizedHeight, crop, crop),
    interpolation,
  };
}

/** Keys of a preprocessor_config.json that change no pixel of an RGB image. */
const WITHOUT_EFFECT = new Set([
  "image_processor_type",
  "feature_extractor_type",
  "processor_class",
  "_valid_processor_keys",
  "default_to_square",
  "do_convert_rgb",
  "data_format",
  "input_data_format",
  "return_tensors",
  "device",
  "disable_grouping",
]);

/**
 * Reads a Hugging Face preprocessor_config.json of a ViT image processor (the classic and the fast one, which agree
 * within 2 of 255, and the older feature extractor). A key that is left out has transformers' default for these.
 *
 * @param channels of the images
 * @throws Error naming the file and the key that is wrong, or that asks for what the kit does not do
 */
export async function readPreprocessorConfig(path: string, channels = 3): Promise<Preprocessing> {
  const fail = (why: string): never => {
    throw new Error(`${path}: ${why}.`);
  };
  let config: unknown;
  try {
    config = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    fail(`it cannot be read as JSON (${error instanceof Error ? error.message : error})`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) fail("it is not a JSON object");
  return parsePreprocessorConfig(config as Record<string, unknown>, channels, fail);
}

function parsePreprocessorConfig(
  config: Record<string, unknown>,
  channels: number,
  fail: (why: string) => never,
): Preprocessing {
  const given = Object.entries(config).filter(([, value]) => value !== null);
  const rest = new Map(given.filter(([key]) => !WITHOUT_EFFECT.has(key)));
  const wrong = (key: string, expected: string): never =>
    fail(`${key} is ${JSON.stringify(config[key])}, but must be ${expected}`);
  const type = config.image_processor_type ?? config.feature_extractor_type;
  if (type !== undefined && !/^ViT(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/.test(`${type}`)) {
    fail(`its processor is ${JSON.stringify(type)}, of which only the ViT's, e.g. "ViTImageProcessor", is understood`);
  }
  const take = (key: string, fallback: unknown): unknown => {
    const value = rest.get(key) ?? fallback;
    rest.delete(key);
    return value;
  };
  const flag = (key: string, fallback: boolean): boolean => {
    const value = take(key, fallback);
    return typeof value === "boolean" ? value : wrong(key, "true or false");
  };
  const isSide = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
  const pair = (value: unknown): [number, number] | undefined => {
    if (isSide(value)) return [value, value];
    const { height, width, ...others } = value as Record<string, unknown>;
    return isSide(height) && isSide(width) && Object.keys(others).length === 0 ? [height, width] : undefined;
  };
  const perChannel = (key: string, positive: boolean): number[] => {
    const value = take(key, Array(channels).fill(0.5));
    const list = typeof value === "number" ? Array(channels).fill(value) : value;
    const valid = (x: unknown) => Number.isFinite(x) && (!positive || (x as number) > 0);
    if (!Array.isArray(list) || list.length !== channels || !list.every(valid)) {
      return wrong(key, `${channels} numbers${positive ? " above 0" : ""}, one for each channel`);
    }
    return list;
  };

  if (!flag("do_resize", true)) wrong("do_resize", "true, as the encoder takes images of one size");
  const size = take("size", { height: 224, width: 224 });
  if (typeof size !== "number" && typeof size !== "object") wrong("size", "a number or an object");
  const { shortest_edge: shortest, ...others } = size as Record<string, unknown>;
  const resize = isSide(shortest) && Object.keys(others).length === 0 ? shortest : pair(size);
  if (resize === undefined) {
    return wrong("size", `{"height", "width"} or {"shortest_edge"} in whole pixels and nothing else`);
  }

  let crop: number;
  const cropSize = take("crop_size", undefined);
  if (flag("do_center_crop", false)) {
    const sides = typeof cropSize === "number" || typeof cropSize === "object" ? pair(cropSize) : undefined;
    if (!sides || sides[0] !== sides[1]) return wrong("crop_size", "the side of a square, as do_center_crop is true");
    crop = sides[0];
    const least = Math.min(...[resize].flat());
    if (crop > least) wrong("crop_size", `no larger than the resized image's ${least} pixels`);
  } else {
    if (typeof resize === "number" || resize[0] !== resize[1]) {
      return wrong("size", "a square's height and width where do_center_crop is not true");
    }
    crop = resize[0];
  }

  const resample = take("resample", 2);
  if (resample !== 2 && resample !== 3) return wrong("resample", "2 (bilinear) or 3 (bicubic)");

  // transformers computes (pixel * factor - mean) / deviation, with pixels of 0 .. 255.
  const factor = take("rescale_factor", 1 / 255);
  if (!(typeof factor === "number" && factor > 0 && factor < Infinity)) return wrong("rescale_factor", "above 0");
  const scale = flag("do_rescale", true) ? 255 * factor : 255;
  let mean = perChannel("image_mean", false), deviation = perChannel("image_std", true);
  if (!flag("do_normalize", true)) [mean, deviation] = [mean.map(() => 0), mean.map(() => 1)];

  for (const [key, value] of rest) {
    if (value !== false) fail(`it asks for ${key} (${JSON.stringify(value)}), which is not understood`);
  }
  return {
    resize,
    crop,
    interpolation: resample === 2 ? "bilinear" : "bicubic",
    mean: mean.map((value) => value / scale),
    deviation: deviation.map((value) => value / scale),
  };
}
