/**
 * ICC profiles of the two plain kinds: a curve for each of red, green and blue and the colours of these (as sRGB, Display
 * P3, Adobe RGB and ProPhoto have), and a curve of grey. sharp takes 16-bit images to Display P3 by them instead of to
 * sRGB, and grey ones nowhere, so that these are converted here; its own conversion by tables is left to it.
 *
 * @module
 */

/** What the numbers of an image with a plain profile mean. */
export interface PlainProfile {
  /** The light that a number in [0, 1] stands for, in [0, 1], by channel: one for grey, three for RGB. */
  curves: ((value: number) => number)[];
  /** From the light of red, green and blue to that of sRGB's, row by row; of RGB alone. */
  toSrgb?: number[][];
}

/** From XYZ under D50, which profiles speak of, to the light of sRGB's red, green and blue, row by row. */
const XYZ_TO_SRGB = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.0334540],
  [0.0719453, -0.2289914, 1.4052427],
];

/** The number in [0, 1] by which sRGB says light, which is brought into [0, 1]. */
export function srgbOf(light: number): number {
  const bounded = Math.min(Math.max(light, 0), 1);
  return bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
}

/**
 * Reads a plain profile.
 *
 * @param channels of the images, without transparency
 * @returns undefined where the profile is damaged, is of images with other channels, or has tables
 */
export function parsePlainProfile(icc: Uint8Array, channels: 1 | 3): PlainProfile | undefined {
  try {
    return parse(icc, channels);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // It ends before what it says is in it.
    throw error;
  }
}

function parse(icc: Uint8Array, channels: 1 | 3): PlainProfile | undefined {
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const name = (at: number) => String.fromCharCode(...Array.from({ length: 4 }, (_, i) => view.getUint8(at + i)));
  const fixed = (at: number) => view.getInt32(at) / 65536;
  if (name(36) !== "acsp" || name(16) !== (channels === 1 ? "GRAY" : "RGB ") || name(20) !== "XYZ ") return undefined;
  const tags = new Map<string, number>();
  for (let i = 0; i < view.getUint32(128); i++) tags.set(name(132 + 12 * i), view.getUint32(136 + 12 * i));
  if (tags.has("A2B0") || tags.has("D2B0")) return undefined; // Where there are tables, too, they count.
  const place = (tag: string, ...types: string[]) => {
    const at = tags.get(tag);
    return at !== undefined && types.includes(name(at)) ? at : undefined;
  };

  const curve = (tag: string): PlainProfile["curves"][0] | undefined => {
    const at = place(tag, "curv", "para");
    if (at === undefined) return undefined;
    if (name(at) === "para") {
      const kind = view.getUint16(at + 8), count = [1, 3, 4, 5, 7][kind];
      return count === undefined
        ? undefined
        : parametric(kind, Array.from({ length: count }, (_, i) => fixed(at + 12 + 4 * i)));
    }
    const values = Array.from({ length: view.getUint32(at + 8) }, (_, i) => view.getUint16(at + 12 + 2 * i));
    if (values.length === 0) return (x) => x;
    if (values.length === 1) return (x) => x ** (values[0] / 256);
    return (x) => {
      const position = x * (values.length - 1), below = Math.min(Math.floor(position), values.length - 2);
      return (values[below] + (position - below) * (values[below + 1] - values[below])) / 65535;
    };
  };
  const curves = (channels === 1 ? ["kTRC"] : ["rTRC", "gTRC", "bTRC"]).map(curve).filter((one) => one !== undefined);
  if (curves.length < channels) return undefined;
  const lights = curves.map(darkestAsBlack);
  if (channels === 1) return { curves: lights };

  const colours = ["rXYZ", "gXYZ", "bXYZ"].map((tag) => place(tag, "XYZ ")).filter((at) => at !== undefined);
  if (colours.length < 3) return undefined;
  const toSrgb = XYZ_TO_SRGB.map((row) =>
    colours.map((at) => row.reduce((sum, weight, i) => sum + weight * fixed(at + 8 + 4 * i), 0))
  );
  return { curves: lights, toSrgb };
}

/** The curve such that its darkest light is none and white stays, as littlecms compensates for a black that is not dark. */
function darkestAsBlack(curve: (value: number) => number): (value: number) => number {
  const darkest = curve(0);
  return darkest === 0 ? curve : (value) => (curve(value) - darkest) / (1 - darkest);
}

/** The five formulas of a parametric curve, which are cases of the last. */
function parametric(kind: number, [g, a = 1, b = 0, ...rest]: number[]): (value: number) => number {
  const [c, d, e, f] = [
    [0, -Infinity, 0, 0],
    [0, -b / a, 0, 0],
    [0, -b / a, rest[0], rest[0]],
    [rest[0], rest[1], 0, 0],
    rest,
  ][kind];
  return (x) => x >= d ? Math.max(a * x + b, 0) ** g + e : c * x + f;
}
