/**
 * From the bytes of an image file to squares of pixels: decodes it, cuts boxes, and resizes them, antialiased.
 *
 * @module
 */
import sharp, { type Sharp } from "npm:sharp@0.35.5";
import type { Cut } from "./crop.ts";
import { engineDecodes, engineJpegPart } from "./jpeg/engine_jpeg.ts";
import { readJpegHeader } from "./jpeg/jpeg_header.ts";
import { boxAround, cutPart } from "./part.ts";
import { pillowPixels } from "./pillow.ts";
import { AS_BANDS, checkReadable } from "./readable.ts";
import { isSixteenBit, sixteenBitPixels } from "./sixteen_bit.ts";

// Many images are in flight at once, one thread each; and no image comes twice soon enough for a cache to help.
sharp.concurrency(1);
sharp.cache(false);

/** The formats that sharp reads, by the endings of their file names. */
export const IMAGE_ENDINGS: readonly string[] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "avif"];

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
  const metadata = await image.metadata().catch((error) => {
    throw error.message.includes("exceeds channel limit")
      ? new Error(`it has more channels than grey, RGB, CMYK or CIELAB: ${AS_BANDS}`, { cause: error })
      : error;
  });
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
 * What is cut from an image, decoded once: of each cut [window.height, window.width, 3], 8-bit sRGB, of an animation the
 * first frame.
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
 * A plain JPEG (grey or YCbCr, whole, and where colours are managed upright and without a profile) is decoded by
 * TensorFlow where that is running, what is left by sharp: to the same pixels. All are resized to the bytes that Pillow's
 * crop and resize gives of the same pixels, on this thread, which takes 0.4 ms for a photo of 500 x 375 pixels.
 *
 * @param file the file's bytes
 * @param cutsOf what to make of it, one cut at least, given the upright image's width and height (with "pillow", those that
 *   Pillow has)
 * @throws Error with sharp's reason if the file is not a whole image, or where its values are no whole numbers of 8 or 16
 *   bits; reasonOf() tells it in one line
 */
export async function decodeCuts(
  file: Uint8Array,
  cutsOf: (width: number, height: number) => readonly Cut[],
  colours: ImageColours = "managed",
): Promise<Uint8Array<ArrayBuffer>[]> {
  const header = readJpegHeader(file), { profile = false, orientation = 1 } = header ?? {};
  if (header && engineDecodes(header) && (colours === "pillow" || !profile && orientation === 1)) {
    const cuts = cutsOf(header.width, header.height);
    const done = await engineJpegPart(file, header, boxAround(cuts), (part) => cutPart(part, cuts));
    if (done) return done; // else the file is damaged or odd, as sharp will say
  }
  const opened = await open(file, colours);
  const cuts = cutsOf(opened.width, opened.height), box = boxAround(cuts);
  const { data, info } = await opened.image
    .extract({ left: box.x, top: box.y, width: box.width, height: box.height })
    .flatten({ background: "white" }).toColourspace("srgb").raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels when decoded, not 3`);
  return cutPart({ data, ...box }, cuts);
}

/** As decodeCuts(), of a single cut. */
export async function decodeCut(
  file: Uint8Array,
  cutOf: (width: number, height: number) => Cut,
  colours?: ImageColours,
): Promise<Uint8Array<ArrayBuffer>> {
  const [pixels] = await decodeCuts(file, (width, height) => [cutOf(width, height)], colours);
  return pixels;
}

/** Why an image could not be read, in one line: sharp's reasons run over several, and repeat themselves. */
export function reasonOf(error: unknown): string {
  return [...new Set((error instanceof Error ? error.message : String(error)).split("\n"))].join(", ");
}
