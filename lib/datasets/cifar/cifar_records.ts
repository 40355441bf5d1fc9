/**
 * The binary files of CIFAR's authors, in which each image is its labels, a byte each, then 1024 red, 1024 green and 1024
 * blue ones, each plane in raster order.
 *
 * @module
 */
import { concatenate, type Split } from "../sources.ts";

const PLANE = 32 * 32;
const IMAGE_BYTES = 3 * PLANE;

/**
 * The images of some of the files, one file after another.
 *
 * @param labelBytes bytes before an image's pixels, of which the last is its label
 * @param classes the labels are below it
 * @throws Error naming the file that is missing, cut short, or has a label that is none
 */
export function decodeRecords(
  files: Map<string, Uint8Array>,
  names: string[],
  labelBytes: number,
  classes: number,
): Split {
  const record = labelBytes + IMAGE_BYTES;
  const bytes = concatenate(names.map((name) => {
    const file = fileOf(files, name);
    if (file.length % record !== 0) throw new Error(`${name} has ${file.length} bytes, no multiple of ${record}`);
    return file;
  }));
  const count = bytes.length / record;
  const labels = Array.from({ length: count }, (_, i) => bytes[i * record + labelBytes - 1]);
  const pixels = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) {
    const from = i * record + labelBytes, to = i * IMAGE_BYTES;
    for (let p = 0; p < PLANE; p++) {
      for (let c = 0; c < 3; c++) pixels[to + p * 3 + c] = bytes[from + c * PLANE + p];
    }
  }
  return checkedSplit(names[0], pixels, labels, classes);
}

/** The file of that name; an Error that says what there is, where it is missing. */
export function fileOf(files: Map<string, Uint8Array>, name: string): Uint8Array {
  const file = files.get(name);
  if (!file) throw new Error(`the archive holds no ${name}, only ${[...files.keys()].join(", ")}`);
  return file;
}

/**
 * Pixels and labels as a split.
 *
 * @param where the file that is named where they are not of as many images, or a label is not below `classes`
 */
export function checkedSplit(where: string, pixels: Uint8Array, labels: number[], classes: number): Split {
  if (pixels.length !== labels.length * IMAGE_BYTES) {
    throw new Error(`${where} has ${labels.length} labels for ${pixels.length / IMAGE_BYTES} images`);
  }
  const stray = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (stray !== undefined) throw new Error(`${where} holds the label ${stray}, which is none of 0 to ${classes - 1}`);
  return { pixels, labels: Uint8Array.from(labels) };
}
