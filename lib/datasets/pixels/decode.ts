/**
 * From the bytes of an image file to a square of pixels: decodes with sharp, cuts a box, and resizes it, antialiased.
 *
 * @module
 */
import sharp, { type Sharp } from "npm:sharp@0.35.5";
import type { Cut, Interpolation } from "./crop.ts";
import { pillowPixels } from "./pillow.ts";
import { checkReadable } from "./readable.ts";
import { resample } from "./resample.ts";
import { isSixteenBit, sixteenBitPixels } from "./sixteen_bit.ts";

// Many images are in flight at once, one thread each; and no image comes twice soon enough for a cache to help.
sharp.concurrency(1);
sharp.cache(false);

/** The formats that sharp reads, by the endings of their file names. */
export const IMAGE_ENDINGS: readonly string[] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "avif"];

const SHARP_KERNELS = { bicubic: "cubic", bilinear: "linear" } as const satisfies Record<Interpolation, string>;

/**
 * How colours in a file become pixels: "managed" as a viewer with colour management shows them on white, "pillow" as
 * `Image.open(file).convert("RGB")` has them in Pillow.
 */
export type ImageColours = "managed" | "pillow";

/** An image that sharp can cut from, and its size. */
interface Opened {
  image: Sharp;
  width: number;
  height: number;
}

/** Opens an image in its colours, and upright where they are managed. */
async function open(file: Uint8Array, colours: ImageColours): Promise<Opened> {
  // Lets pass what is odd but whole, as Pillow does; a file cut short still fails.
  const image = sharp(file, { failOn: "error" });
  const metadata = await image.metadata();
  checkReadable(file, metadata);
  const deep = isSixteenBit(metadata);
  const pixels = colours === "pillow"
    ? await pillowPixels(file, metadata)
    : deep
    ? await sixteenBitPixels(file, metadata)
    : undefined;
  if (pixels) {
    const { data, width, height } = pixels;
    return { image: sharp(data, { raw: { width, height, channels: 3 } }), width, height };
  }
  if (deep) image.pipelineColourspace(metadata.space === "grey16" ? "b-w" : "srgb");
  const { width, height } = metadata.autoOrient;
  return { image: image.autoOrient(), width, height };
}

/**
 * A square cut from an image: [window.height, window.width, 3], 8-bit sRGB, of an animation the first frame.
 *
 * Colours are by default what a viewer with colour management shows, whatever the format, depth and channels: the EXIF
 * orientation is applied, an embedded ICC profile is converted from (perceptually; one that is damaged or of other channels
 * is ignored), what is transparent is laid on white. CMYK without a profile is taken for libvips's own press; RGB and grey
 * without one for sRGB. Other descriptions of colours (PNG's gAMA, cHRM and cICP, AVIF's nclx) are not read. This is within
 * 2 of 255 of littlecms 2.19, and of CMYK that sRGB hardly has within 8; 16 bits whose profile has tables become 8 before.
 *
 * Pillow's `convert("RGB")` does none of this, and "pillow" gives its bytes: profiles and the EXIF orientation are ignored
 * (but a TIFF's orientation is applied), transparency is dropped, CMYK is subtracted from white, 16-bit grey above 255 is
 * white, of other 16-bit images the higher byte is taken. An AVIF's are within 1 of Pillow's, but further where its colours
 * are halved and meet, as another library interpolates them; those of 16-bit TIFFs that are multiplied by their alpha or
 * have a plane for each channel differ. The two agree on upright, opaque, 8-bit grey and RGB without a profile or with that
 * of sRGB.
 *
 * Against Pillow's crop and resize of the same pixels, "exact" gives the same bytes, and so does enlarging. Shrinking
 * is else done by sharp, off this thread: it differs by up to 8 of 255 (mean 0.3) below a factor of 3, by up to 9 (mean
 * 1) at a factor of 12. "exact" takes this thread some 2 ms for a photo of 500 x 375 pixels, 40 ms for 3600 x 2400.
 *
 * @param file the file's bytes
 * @param cutOf what to make of it, given the upright image's width and height (with "pillow", those that Pillow has)
 * @throws Error with sharp's reason if the file is not a whole image, or where its values are no whole numbers of 8 or 16
 *   bits; reasonOf() tells it in one line
 */
export async function decodeCut(
  file: Uint8Array,
  cutOf: (width: number, height: number) => Cut,
  shrinking: "exact" | "fast",
  colours: ImageColours = "managed",
): Promise<Uint8Array> {
  const opened = await open(file, colours);
  const cut = cutOf(opened.width, opened.height);
  const { box, width, height, window } = cut;
  // This extract before the resize also keeps sharp from decoding a JPEG at a lower resolution, which is quick but blurs.
  const pipeline = opened.image.extract({ left: box.x, top: box.y, width: box.width, height: box.height });
  const bySharp = shrinking === "fast" && box.width >= width && box.height >= height;
  if (bySharp) {
    pipeline.resize(width, height, { fit: "fill", kernel: SHARP_KERNELS[cut.interpolation] })
      .extract({ left: window.x, top: window.y, width: window.width, height: window.height });
  }
  const { data, info } = await pipeline.flatten({ background: "white" }).toColourspace("srgb").raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels when decoded, not 3`);
  if (bySharp) return data;
  // sharp places its samples half a pixel off when it enlarges, so that is done here.
  const out = new Uint8Array(window.width * window.height * 3);
  resample(data, box.width, { ...cut, box: { ...box, x: 0, y: 0 } }, out);
  return out;
}

/** Why an image could not be read, in one line: sharp's reasons run over several, and repeat themselves. */
export function reasonOf(error: unknown): string {
  return [...new Set((error instanceof Error ? error.message : String(error)).split("\n"))].join(", ");
}
