/**
 * The bytes of `Image.open(file).convert("RGB")` in Pillow, by which many features were made: no colour management, no
 * EXIF turn, transparency dropped, CMYK by subtraction, 16-bit grey cut off at 255 and 16-bit colour by its higher byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import sharp, { type Metadata, type Sharp } from "npm:sharp@0.35.5";
import type { Box } from "./crop.ts";
import { isWhiteZero } from "./readable.ts";
import type { Pixels } from "./sixteen_bit.ts";

/**
 * The pixels of a whole image as Pillow converts it.
 *
 * @param metadata what sharp says of the file
 * @throws Error with sharp's reason if the file is not a whole image, or where it is CIELAB
 */
export async function pillowPixels(file: Uint8Array, metadata: Metadata): Promise<Pixels> {
  const { format, space, depth } = metadata;
  if (space === "labs") throw new Error("it is CIELAB, of which Pillow makes no RGB: save it as RGB");
  const gif = format === "gif" ? opaqueGif(file) : undefined;
  const image = sharp(gif?.file ?? file, { failOn: "error", ignoreIcc: true });
  // Pillow, which turns no other, turns TIFFs; of AVIFs, sharp has always done what the container asks for.
  if (format === "tiff") image.autoOrient();
  if (format === "heif") turnBack(image, file);
  if (space === "cmyk") image.pipelineColourspace("cmyk");
  const { data: bytes, info: { width, height, channels } } = await image.toColourspace(space).raw({ depth })
    .toBuffer({ resolveWithObject: true });
  const deep = depth === "ushort";
  const values = deep ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes;
  const toByte = !deep
    ? same
    : !isPillowsGrey16(file, metadata)
    ? higherByte
    : isWhiteZero(file, metadata)
    ? turnedCut
    : cut;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += channels, to += 3) {
    if (space === "cmyk") fromCmyk(values, from, toByte, data, to);
    else for (let c = 0; c < 3; c++) data[to + c] = toByte(values[channels < 3 ? from : from + c]);
  }
  if (gif) fillOutside(data, width, gif);
  return { data, width, height };
}

type ToByte = (value: number) => number;

const same: ToByte = (value) => value;
const higherByte: ToByte = (value) => value >> 8;
const cut: ToByte = (value) => Math.min(value, 255);
/** Where 0 is white, Pillow takes a value of 16 bits as it stands. */
const turnedCut: ToByte = (value) => cut(65535 - value);

/** Whether Pillow's mode is "I;16", as that of 16-bit grey is but for a PNG's with a channel of transparency. */
function isPillowsGrey16(file: Uint8Array, { format, space, channels }: Metadata): boolean {
  if (space !== "grey16") return false;
  const colourType = file[25]; // of a PNG's header; 0 is grey alone, where a single value may be transparent
  return format === "png" ? colourType === 0 : channels === 1;
}

/** Pillow's subtraction, with its rounding: (255 - k) * (255 - c) / 255. */
function fromCmyk(values: ArrayLike<number>, from: number, toByte: ToByte, out: Uint8Array, to: number): void {
  const light = 255 - toByte(values[from + 3]);
  for (let c = 0; c < 3; c++) {
    const product = toByte(values[from + c]) * light + 128;
    out[to + c] = Math.max(0, light - ((product >> 8) + product >> 8));
  }
}

/** Undoes the turn and then the mirroring that an AVIF's container asks for, which Pillow leaves undone. */
function turnBack(image: Sharp, file: Uint8Array): void {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength),
    head = bytes.subarray(0, bytes.indexOf("mdat"));
  const property = (name: string) => {
    const at = head.indexOf(name);
    return at < 0 ? undefined : head[at + 4];
  };
  const quarters = property("irot"), axis = property("imir");
  if (axis !== undefined) axis & 1 ? image.flop() : image.flip();
  if (quarters !== undefined) image.rotate(90 * (quarters & 3));
}

/** A GIF whose first frame is opaque, where that frame lies, and the colour that Pillow puts around it. */
interface OpaqueGif {
  file: Uint8Array;
  frame: Box;
  around: Uint8Array;
}

/** sharp has no colours where a GIF is transparent, but Pillow has the palette's: the file is made to ask for none. */
function opaqueGif(original: Uint8Array): OpaqueGif {
  const file = original.slice(), word = (at: number) => file[at] | file[at + 1] << 8;
  const tableBytes = (flags: number) => flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
  const globalTable = 13;
  let at = globalTable + tableBytes(file[10]), transparent = 0;
  for (; file[at] === 0x21; at++) { // extensions
    if (file[at + 1] === 0xf9 && file[at + 3] & 1) {
      transparent = file[at + 6];
      file[at + 3] &= ~1;
    }
    for (at += 2; file[at] > 0; at += file[at] + 1);
  }
  const frame = { x: word(at + 1), y: word(at + 3), width: word(at + 5), height: word(at + 7) };
  const table = file[at + 9] & 0x80 ? at + 10 : globalTable;
  return { file, frame, around: file.slice(table + 3 * transparent, table + 3 * transparent + 3) };
}

function fillOutside(data: Uint8Array, width: number, { frame: { x, y, width: w, height: h }, around }: OpaqueGif) {
  for (let i = 0; i < data.length / 3; i++) {
    const column = i % width, row = Math.floor(i / width);
    if (column < x || column >= x + w || row < y || row >= y + h) data.set(around, 3 * i);
  }
}
