/**
 * What options say of the way from an image's file to the encoder: --preprocessing and --colours.
 *
 * @module
 */
import type { ImageColours } from "../../datasets/pixels/decode.ts";
import {
  defaultPreprocessing,
  type Preprocessing,
  readPreprocessorConfig,
} from "../../datasets/pixels/preprocessing.ts";
import type { PretrainedEncoder } from "../../jepa/pretrained.ts";
import { oneOf } from "../terminal/flags.ts";

/** What --help says of both. */
export const IMAGE_HELP = {
  "--preprocessing P":
    `how images are resized, cropped and standardised: file, as the weights' own preprocessor_config.json
    says | imagenet, as in pretraining: the short side resized, bicubic, the centred square, ImageNet's mean and deviation |
    FILE.json, another preprocessor_config.json (default file where the weights say it, else imagenet)`,
  "--colours C": `of image files: managed (default): as a viewer shows them: converted from an embedded profile to sRGB,
    turned by EXIF, on white | pillow: the bytes of Image.open(FILE).convert("RGB"), which does none of that`,
};

/** What --colours takes. */
export const COLOURS = ["managed", "pillow"] as const satisfies readonly ImageColours[];

/** The value of --colours. */
export const coloursOf = (value: string): ImageColours => oneOf("colours", value, COLOURS);

/** Chooses what images go through before an encoder that was loaded from `weights`. */
export type ChoosePreprocessing = (
  weights: string,
  encoder: Pick<PretrainedEncoder, "size" | "preprocessing">,
) => Preprocessing;

/**
 * Reads --preprocessing, before there is an encoder: "file" is what the weights say, "imagenet" the kit's own, a name that
 * ends in .json a Hugging Face preprocessor_config.json. Left out, it is what the weights say or else the kit's own.
 *
 * @throws Error where the value is none of these, or as readPreprocessorConfig() does; the choice where the weights say
 *   nothing, or the file's squares are not of the encoder's size
 */
export async function readPreprocessingFlag(value: string | undefined): Promise<ChoosePreprocessing> {
  if (value === undefined) {
    return (_, { size, preprocessing }) => preprocessing ?? defaultPreprocessing(size.image, size.channels);
  }
  if (value === "imagenet") return (_, { size }) => defaultPreprocessing(size.image, size.channels);
  if (value === "file") {
    return (weights, { preprocessing }) => {
      if (preprocessing) return preprocessing;
      throw new Error(
        `${weights} does not say its preprocessing, which --preprocessing file asks for: take imagenet, or a FILE.json.`,
      );
    };
  }
  if (!value.endsWith(".json")) {
    throw new Error(`--preprocessing is file, imagenet or the path of a FILE.json; got "${value}".`);
  }
  const read = await readPreprocessorConfig(value);
  return (weights, { size: { image } }) => {
    if (read.crop === image) return read;
    throw new Error(
      `${value} cuts squares of ${read.crop} pixels, but ${weights} takes images of ${image}: change the file's size, ` +
        `or add --image ${read.crop}.`,
    );
  };
}
