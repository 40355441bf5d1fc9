/**
 * Numbers beside a patch decoder's pictures: how near they are to the images, in pixels, in structure and to the encoder,
 * beside what much less than the tokens would give.
 *
 * @module
 */
import { reconstruct } from "../decode.ts";
import { imageCount } from "../image_batches.ts";
import { derangement, psnr } from "./measures.ts";
import { perceptualDistance } from "./perceptual_distance.ts";
import type { FrozenEncoder } from "../representation.ts";
import type { PatchDecoder } from "../saved_decoder.ts";
import { ssim } from "./ssim.ts";

/** How near pictures are to images, averaged over them. */
export interface Likeness {
  /** In dB, see psnr(); more is nearer. */
  psnr: number;
  /** See ssim(); 1 is the same. */
  ssim: number;
  /** See perceptualDistance(); 0 is the same. */
  perceptual: number;
}

/** What a patch decoder's pictures are worth. */
export interface ReconstructionMeasures {
  /** How many were decoded. */
  images: number;
  /** Each image, decoded. */
  decoded: Likeness;
  /** Each image in one colour a patch, its mean: what a decoder gives that knows no more of a patch than that. */
  patchMeans: Likeness;
  /** Another image, decoded: what a decoder gives that draws good images, but not this one. */
  shuffled: Likeness;
}

/**
 * Images in which every patch has its mean colour alone, rounded to bytes.
 *
 * @param pixels 8-bit [B, size, size, 3]
 * @param patch in pixels, a divisor of the size
 * @throws RangeError where the pixels are no such images
 */
export function patchMeans(pixels: Uint8Array, size: number, patch: number): Uint8Array<ArrayBuffer> {
  const side = size / patch, sums = new Float64Array(imageCount(pixels, size) * side * side * 3);
  const sumOf = (byte: number) => {
    const colour = byte % 3, place = (byte - colour) / 3, x = place % size, row = (place - x) / size;
    const y = row % size, image = (row - y) / size;
    return ((image * side + Math.floor(y / patch)) * side + Math.floor(x / patch)) * 3 + colour;
  };
  pixels.forEach((value, byte) => sums[sumOf(byte)] += value);
  return Uint8Array.from(pixels, (_, byte) => Math.round(sums[sumOf(byte)] / patch ** 2));
}

/**
 * Decodes images from their tokens and compares them with the images, beside baselines.
 *
 * @param pixels 8-bit [B, image, image, 3] of the encoder's size
 * @param seed by it, images are shuffled
 * @throws RangeError where the pixels are no such images, or fewer than 2
 */
export async function measureReconstruction(
  encoder: FrozenEncoder,
  decoder: PatchDecoder,
  pixels: Uint8Array,
  seed: number,
): Promise<ReconstructionMeasures> {
  const { image, patch } = encoder.size, bytes = image * image * 3, images = imageCount(pixels, image);
  if (images < 2) throw new RangeError("A reconstruction is measured on at least 2 images.");
  const likeness = async (pictures: Uint8Array): Promise<Likeness> => ({
    psnr: psnr(pictures, pixels, bytes),
    ssim: ssim(pictures, pixels, image),
    perceptual: await perceptualDistance(encoder, pictures, pixels),
  });
  const decoded = await reconstruct(encoder, decoder, pixels), others = new Uint8Array(pixels.length);
  derangement(images, seed).forEach((from, i) => {
    others.set(decoded.subarray(from * bytes, (from + 1) * bytes), i * bytes);
  });
  return {
    images,
    decoded: await likeness(decoded),
    patchMeans: await likeness(patchMeans(pixels, image, patch)),
    shuffled: await likeness(others),
  };
}
