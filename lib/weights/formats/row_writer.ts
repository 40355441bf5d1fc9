/**
 * Writes a large array to a file row by row, as the rows come: safetensors with the rows' names in the metadata, or NAME.npy
 * with them in NAME.npy.txt beside it. Nothing is at the file's name before it is whole.
 *
 * @module
 */
import { NPY_HEADER_BYTES, npyHeader } from "./npy.ts";
import { openToWrite, writing } from "../../write_file.ts";

/** What is known of an array before its rows are there. */
export interface RowArray {
  /** Most rows that may come. */
  names: readonly string[];
  /** Shape of a row. */
  shape: readonly number[];
  /** What else a safetensors file is to say; an .npy file cannot. */
  metadata: Record<string, string>;
}

/** A file that grows. */
export interface RowWriter {
  /** Adds rows, of which it takes any number. */
  write(values: Float32Array<ArrayBuffer>): Promise<void>;
  /** Completes the file with the names of the rows that came, syncs it to the disk and gives it its name. */
  finish(names: readonly string[]): Promise<void>;
  /** Removes what has been written so far. At once, so that a signal handler can call it. */
  abandon(): void;
}

/** The safetensors reference implementation's limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;

/** How a format puts what it says of the rows before them: the same number of bytes, whichever rows there are. */
interface Format {
  headerBytes: number;
  header(names: readonly string[]): Uint8Array<ArrayBuffer>;
}

function safetensors(path: string, { names: all, shape, metadata }: RowArray): Format {
  const encode = (names: readonly string[]): Uint8Array<ArrayBuffer> => {
    const rows = [names.length, ...shape];
    return new TextEncoder().encode(JSON.stringify({
      __metadata__: { ...metadata, names: JSON.stringify(names) },
      features: { dtype: "F32", shape: rows, data_offsets: [0, rows.reduce((product, n) => product * n, 4)] },
    }));
  };
  const length = Math.ceil(encode(all).length / 8) * 8;
  if (length > MAX_HEADER) {
    throw new RangeError(
      `The names of ${all.length} rows do not fit in the header of ${path}, which may have ${MAX_HEADER} bytes: write ` +
        "an .npy file, or several of fewer rows.",
    );
  }
  return {
    headerBytes: 8 + length,
    header(names) {
      // The header of fewer rows is shorter: spaces behind it are part of the format.
      const bytes = new Uint8Array(8 + length).fill(0x20);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      bytes.set(encode(names), 8);
      return bytes;
    },
  };
}

function npy(path: string, { names: all, shape }: RowArray): Format {
  const broken = all.find((name) => /[\r\n]/.test(name));
  if (broken !== undefined) {
    throw new Error(
      `The name ${
        JSON.stringify(broken)
      } has a line break, which the list of names beside ${path} cannot hold: rename ` +
        "the file, or write safetensors.",
    );
  }
  return { headerBytes: NPY_HEADER_BYTES, header: (names) => npyHeader([names.length, ...shape]) };
}

/**
 * The files that openRows(path) comes to write: the rows', and behind it the names' where the format has one.
 *
 * @throws Error where the path's ending says no format
 */
export function rowFiles(path: string): string[] {
  const ending = /\.(safetensors|npy)$/.exec(path)?.[1];
  if (!ending) throw new Error(`Features are written as .safetensors or .npy; ${path} ends in neither.`);
  return ending === "npy" ? [path, `${path}.txt`] : [path];
}

/**
 * Opens `path` for rows; ".safetensors" or ".npy" at its end says the format. Rows go to `path.part` until finish().
 *
 * @throws Error for another ending, names that the format cannot hold, or a folder that cannot be written to
 */
export async function openRows(path: string, array: RowArray): Promise<RowWriter> {
  const namesPath: string | undefined = rowFiles(path)[1];
  const { headerBytes, header } = namesPath ? npy(path, array) : safetensors(path, array);
  const perRow = array.shape.reduce((product, n) => product * n, 1);
  const part = `${path}.part`, namesPart = `${namesPath}.part`;
  const file = await openToWrite(part, { name: path });
  let rows = 0, open = true;
  const close = () => {
    if (open) file[Symbol.dispose]();
    open = false;
  };
  await file.seek(headerBytes);
  return {
    async write(values) {
      if (values.length % perRow !== 0) {
        throw new RangeError(`${values.length} numbers are not whole rows of ${perRow} for ${path}.`);
      }
      rows += values.length / perRow;
      await file.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    async finish(names) {
      if (names.length !== rows || rows > array.names.length) {
        throw new RangeError(`${path} has ${rows} rows, for ${names.length} names of at most ${array.names.length}.`);
      }
      await file.seek(0);
      await file.write(header(names));
      await file.sync();
      close();
      if (namesPath) {
        const text = names.map((name) => name + "\n").join("");
        await writing(namesPath, () => Deno.writeTextFile(namesPart, text));
      }
      await writing(path, () => Deno.rename(part, path));
      if (namesPath) await writing(namesPath, () => Deno.rename(namesPart, namesPath));
    },
    abandon() {
      close();
      for (const left of namesPath ? [part, namesPart] : [part]) {
        try {
          Deno.removeSync(left);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
    },
  };
}
