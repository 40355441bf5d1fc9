/**
 * Images in parquet files, as the Hugging Face hub has them: a row an image, its file's bytes in a column.
 *
 * @module
 */
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "npm:hyparquet@1.33.0";
import { compressors } from "npm:hyparquet-compressors@1.1.2";
import { basename, dirname } from "node:path";
import { keptIndex, readAt } from "../kept_index.ts";
import type { Progress } from "../sources.ts";
import { makeFolder, openToWrite } from "../../write_file.ts";
import type { RowLabel, Rows } from "./rows.ts";

/** What is kept of a file beside its images, which lie one after another in a file of their own. */
interface Kept {
  classes?: string[];
  labels: RowLabel[];
  /** [N], in bytes; -1 where the row has no image. */
  sizes: number[];
}

/** Columns that are taken for the images and for their classes, the first of them that there is. */
const IMAGE_NAMES = ["image", "img", "jpg", "jpeg", "png", "webp"], LABEL_NAMES = ["label", "labels", "fine_label"];

/**
 * The rows of a parquet file. Rows cannot be read one at a time (they are compressed by the hundred), and training takes
 * them in any order, so the first time the images are copied to `cache`, as Python's datasets does; it takes as much room.
 *
 * @throws Error naming the file, and the rows where they are what is damaged; or where it is in doubt which column to take
 */
export async function parquetRows(
  file: string,
  cache: string,
  onProgress?: (progress: Progress) => void,
): Promise<Rows> {
  const isWhole = async ({ labels, sizes }: Partial<Kept>, beside: string) => {
    const images = await Deno.stat(`${beside}.images`).catch(() => undefined);
    return labels?.length === sizes?.length &&
      images?.size === sizes?.reduce((sum, size) => sum + Math.max(0, size), 0);
  };
  const { classes, labels, sizes, beside } = await keptIndex<Kept>(
    file,
    cache,
    isWhole,
    (bytes, beside) => extract(file, bytes, `${beside}.images`, onProgress),
  );
  const offsets: number[] = [];
  sizes.reduce((at, size) => (offsets.push(at), at + Math.max(0, size)), 0);
  const nameOf = (i: number) => `row ${i}`;
  return {
    file,
    classes,
    labels,
    nameOf,
    placeOf: (i) => ({ path: `${beside}.images`, offset: offsets[i], length: sizes[i] }),
    read(i) {
      if (sizes[i] < 0) return Promise.reject(new Error("the row has no image"));
      return readAt(`${beside}.images`, offsets[i], sizes[i], nameOf(i));
    },
  };
}

async function extract(
  path: string,
  bytes: number,
  images: string,
  onProgress?: (progress: Progress) => void,
): Promise<Kept> {
  const file = {
    byteLength: bytes,
    slice: async (start: number, end = bytes) =>
      (await readAt(path, start, end - start, "a column")).buffer as ArrayBuffer,
  };
  const metadata = await parquetMetadataAsync(file);
  const { image, label, classes } = columnsOf(metadata);
  const columns = label === undefined ? [image] : [image, label];
  const kept: Kept = { classes, labels: [], sizes: [] }, beside = `${images}.${Deno.pid}.part`;
  await makeFolder(dirname(images));
  try {
    using out = await openToWrite(beside, { name: images });
    for (const group of metadata.row_groups) {
      const rowStart = kept.sizes.length, rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({ file, metadata, columns, compressors, utf8: false, rowStart, rowEnd })
        .catch(
          (error) => {
            throw new Error(
              `rows ${rowStart} to ${rowEnd - 1} cannot be read (${error.message}): fetch the file again`,
            );
          },
        );
      if (rows.length !== rowEnd - rowStart) throw new Error(`rows ${rowStart} to ${rowEnd - 1} are not all there`);
      for (const [i, row] of rows.entries()) {
        const cell = row[image], found = cell instanceof Uint8Array ? cell : cell?.bytes;
        if (cell && !found && cell.path) {
          throw new Error(`row ${rowStart + i} has the path of an image (${cell.path}) instead of its bytes`);
        }
        kept.sizes.push(found?.length ?? -1);
        kept.labels.push(label === undefined ? null : labelOf(row[label], rowStart + i));
        if (found) await out.write(found);
      }
      onProgress?.({
        label: `Unpacking ${basename(path)}`,
        done: bytes * kept.sizes.length / Number(metadata.num_rows),
        total: bytes,
      });
    }
    await out.sync();
    await Deno.rename(beside, images);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
  return kept;
}

function labelOf(value: unknown, row: number): RowLabel {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`row ${row}: its class is ${value}, neither a number nor a name`);
  return number;
}

interface Feature {
  _type?: string;
  names?: string[];
}

/** The columns that hold the images and their classes, by datasets' own metadata or else by their types and names. */
function columnsOf(metadata: FileMetaData): { image: string; label?: string; classes?: string[] } {
  const own = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  const features: Record<string, Feature> = (own && JSON.parse(own).info?.features) ?? {};
  const all = parquetSchema(metadata).children, names = all.map(({ element }) => element.name);
  const isBytes = ({ type, converted_type, logical_type }: typeof all[number]["element"]) =>
    type === "BYTE_ARRAY" && converted_type === undefined && logical_type === undefined;
  const marked = names.filter((name) => features[name]?._type === "Image");
  const holding = all.filter(({ element, children }) =>
    isBytes(element) || children.some(({ element }) => element.name === "bytes" && isBytes(element))
  ).map(({ element }) => element.name);
  const image = only(marked.length > 0 ? marked : holding, IMAGE_NAMES);
  if (image === undefined) {
    throw new Error(
      `it is not clear which column holds the images (of ${names.join(", ")}): name that column "image", and no other`,
    );
  }
  const label = only(names.filter((name) => features[name]?._type === "ClassLabel"), LABEL_NAMES) ??
    LABEL_NAMES.find((name) => names.includes(name));
  return { image, label, classes: label === undefined ? undefined : features[label]?.names };
}

/** The one there is, or of several the first that has one of the names. */
function only(found: string[], names: string[]): string | undefined {
  return found.length === 1 ? found[0] : names.find((name) => found.includes(name));
}
