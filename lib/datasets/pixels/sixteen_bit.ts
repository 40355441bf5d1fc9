/**
 * Images of 16 bits a channel as a viewer with colour management shows them on white.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import sharp, { type Metadata } from "npm:sharp@0.35.5";
import { parsePlainProfile, type PlainProfile, srgbOf } from "./icc.ts";

/** The pixels of a whole image. */
export interface Pixels {
  /** [height, width, 3], 8-bit sRGB. */
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

/** 65535 is so many times 255. */
const STEP = 257;
/** A number for each of a channel's values. */
const VALUES = 65536;

/** Whether these pixels are 16-bit grey or RGB, with transparency or without. */
export function isSixteenBit({ depth, space }: Metadata): boolean {
  return depth === "ushort" && (space === "grey16" || space === "rgb16");
}

/**
 * The upright pixels of such an image, converted to sRGB by its profile and laid on white.
 *
 * @param metadata what sharp says of the file
 * @returns undefined where the profile is none of the plain ones: sharp, once it has 8 bits, applies or ignores it
 */
export async function sixteenBitPixels(file: Uint8Array, metadata: Metadata): Promise<Pixels | undefined> {
  const grey = metadata.space === "grey16";
  const convert = converterOf(grey, metadata.icc);
  if (!convert) return undefined;
  const { data: bytes, info: { width, height, channels } } = await sharp(file, { failOn: "error", ignoreIcc: true })
    .autoOrient().toColourspace(grey ? "grey16" : "rgb16").raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const data = new Uint8Array(width * height * 3);
  const colours = grey ? 1 : 3, rgb = new Float32Array(3);
  for (let from = 0, to = 0; to < data.length; from += channels, to += 3) {
    convert(values, from, rgb);
    const alpha = channels > colours ? values[from + colours] / (VALUES - 1) : 1;
    for (let c = 0; c < 3; c++) data[to + c] = Math.round(255 + (rgb[c] - 255) * alpha);
  }
  return { data, width, height };
}

/** Writes the sRGB, in 0 .. 255, of the pixel whose values begin at `from`. */
type Convert = (values: Uint16Array, from: number, rgb: Float32Array) => void;

/** The last one made: images that come one after another mostly have one profile, and its tables take 20 ms. */
let last: { grey: boolean; icc?: Buffer; convert?: Convert } | undefined;

/** Undefined where the profile is not a plain one. */
function converterOf(grey: boolean, icc: Buffer | undefined): Convert | undefined {
  const same = last?.grey === grey && (icc ? last.icc?.equals(icc) : !last.icc);
  if (!same) {
    const profile = icc && parsePlainProfile(icc, grey ? 1 : 3);
    last = { grey, icc, convert: icc && !profile ? undefined : converter(grey, profile) };
  }
  return last!.convert;
}

function converter(grey: boolean, profile: PlainProfile | undefined): Convert {
  const table = (of: (value: number) => number) =>
    Float32Array.from({ length: VALUES }, (_, i) => of(i / (VALUES - 1)));
  if (grey) {
    const shade = profile ? table((x) => 255 * srgbOf(profile.curves[0](x))) : undefined;
    return (values, from, rgb) => void rgb.fill(shade ? shade[values[from]] : values[from] / STEP);
  }
  if (!profile) {
    return (values, from, rgb) => {
      for (let c = 0; c < 3; c++) rgb[c] = values[from + c] / STEP;
    };
  }
  const lights = profile.curves.map(table), shade = table((x) => 255 * srgbOf(x));
  return (values, from, rgb) => {
    const red = lights[0][values[from]], green = lights[1][values[from + 1]], blue = lights[2][values[from + 2]];
    for (let c = 0; c < 3; c++) {
      const [r, g, b] = profile.toSrgb![c];
      const light = r * red + g * green + b * blue;
      rgb[c] = shade[light <= 0 ? 0 : light >= 1 ? VALUES - 1 : Math.round(light * (VALUES - 1))];
    }
  };
}
