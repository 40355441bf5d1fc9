/**
 * Images of any sizes in one file, one behind the other, and a table of them in another: read at any place, and written on
 * from where the writing was cut off.
 *
 * @module
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { PackedPlace } from "./cut_packed.ts";
import { openToWrite, writeFile, writing } from "../../write_file.ts";

/** A packed image: its pixels, and what the table says of it. */
export interface PackedImage {
  /** [packedHeight, packedWidth, 3], 8-bit sRGB. */
  pixels: Uint8Array;
  /** Of the original, in pixels. */
  width: number;
  height: number;
  packedWidth: number;
  packedHeight: number;
  label: number;
  /** The image that it is: another than asked for where that could not be read and was skipped. */
  source: number;
}

/** The table's rows: int32, little-endian. */
const COLUMNS = 7, ROW_BYTES = 4 * COLUMNS;

/** The table of a packed set, and where each image begins in the file of pixels; its last number is where they end. */
export interface PackedTable {
  rows: Int32Array;
  offsets: Float64Array;
}

const pixelsPath = (folder: string) => join(folder, "pixels.u8");
const tablePath = (folder: string) => join(folder, "table.i32");

const sizeOf = async (path: string) => (await Deno.stat(path).catch(() => undefined))?.size;

/** The images that are whole in a folder, as far as lengths can tell: those before the first that is not. */
export async function readTable(folder: string): Promise<PackedTable> {
  const bytes = await Deno.readFile(tablePath(folder)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  });
  const length = await sizeOf(pixelsPath(folder)) ?? 0, count = Math.floor(bytes.length / ROW_BYTES);
  const rows = new Int32Array(bytes.slice(0, count * ROW_BYTES).buffer), offsets = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) {
    offsets[i + 1] = offsets[i] + 3 * rows[i * COLUMNS + 2] * rows[i * COLUMNS + 3];
    if (offsets[i + 1] > length) return { rows: rows.slice(0, i * COLUMNS), offsets: offsets.slice(0, i + 1) };
  }
  return { rows, offsets };
}

/** The number of images in a table. */
export const imagesIn = ({ offsets }: PackedTable): number => offsets.length - 1;

/**
 * Writes images behind those of a table, some at a time; what else was written behind those is cut off first.
 *
 * @throws Error naming the file where it cannot be written
 */
export async function appendImages(
  folder: string,
  { rows, offsets }: PackedTable,
  images: AsyncIterable<PackedImage[]>,
): Promise<void> {
  for (const [path, length] of [[pixelsPath(folder), offsets.at(-1)!], [tablePath(folder), rows.byteLength]] as const) {
    const size = await sizeOf(path);
    if (size === undefined) await writeFile(path, "");
    else if (size > length) await writing(path, () => Deno.truncate(path, length));
  }
  using pixelsFile = await openToWrite(pixelsPath(folder), { append: true });
  using tableFile = await openToWrite(tablePath(folder), { append: true });
  for await (const some of images) {
    for (const { pixels } of some) await pixelsFile.write(pixels as Uint8Array<ArrayBuffer>);
    const added = Int32Array.from(
      some.flatMap(({ pixels, width, height, packedWidth, packedHeight, label, source }) => [
        ...[width, height, packedWidth, packedHeight, label, source, crc32(pixels) | 0],
      ]),
    );
    await tableFile.write(new Uint8Array(added.buffer)); // last: it says what is there
  }
}

/** Where the i-th image's pixels are, and what they are. */
export function placeOf(folder: string, table: PackedTable, i: number): PackedPlace {
  const [width, height, packedWidth, packedHeight, , , checksum] = table.rows.subarray(i * COLUMNS);
  const { offsets } = table, length = offsets[i + 1] - offsets[i];
  const packed = { width, height, packedWidth, packedHeight, checksum };
  return { path: pixelsPath(folder), offset: offsets[i], length, packed };
}

/** The i-th image's label. */
export const labelOf = ({ rows }: PackedTable, i: number): number => rows[i * COLUMNS + 4];

/** Which image the i-th one is: itself, or the one that stands in for it. */
export const sourceOf = ({ rows }: PackedTable, i: number): number => rows[i * COLUMNS + 5];

/** The bytes at a place, fewer where the file ends before. Any number may be read at a time. */
export async function readPacked({ path, offset, length }: PackedPlace): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let n; done < length && (n = await file.read(bytes.subarray(done))) !== null;) done += n;
  return bytes.subarray(0, done);
}
