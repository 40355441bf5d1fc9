/**
 * Writing large files so that there is only ever a whole one at a path: beside it, synced to the disk, then renamed.
 *
 * @module
 */
import { writeError } from "../../write_file.ts";

/** Bytes a single write asks for: few enough that whoever waits for the disk in between does not wait long. */
const CHUNK = 1 << 22;
/** Bytes after which the disk has to have them: a sync at the end alone would take long, and nothing would tell how far. */
const SYNCED = 1 << 28;

/** A size as people say it, in powers of ten: "1.2 GB", "310 MB", "4 kB". */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

/** The part of a file's writing that there is: "2.1 of 5.1 GB". */
export function formatShare(done: number, total: number): string {
  const whole = formatBytes(total), unit = whole.slice(-2), scale = { GB: 1e9, MB: 1e6, kB: 1e3 }[unit] ?? 1;
  return `${(done / scale).toFixed(unit === "GB" ? 1 : 0)} of ${whole}`;
}

/** A file that is being written. */
export interface PartFile {
  /** Writes bytes from the offset `at` on. */
  write(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/**
 * Writes a file as `path.part`, which is synced to the disk and renamed when `fill` has filled it, and removed where that
 * fails.
 *
 * @param total how many bytes there will be
 * @param onProgress told of the bytes that are written; of all of them only once the file has its name
 * @throws what `fill` throws; Error that names the file, how far it came, and why it cannot be written
 */
export async function writeWhole(
  path: string,
  total: number,
  fill: (file: PartFile) => Promise<void>,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const part = `${path}.part`;
  let done = 0, synced = 0;
  const disk = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw writeError(`${path} (after ${formatShare(done, total)})`, error);
    }
  };
  try {
    using file = await disk(Deno.open(part, { create: true, truncate: true, write: true }));
    await fill({
      async write(at, bytes) {
        await disk(file.seek(at, Deno.SeekMode.Start));
        for (let written = 0; written < bytes.length;) {
          const count = await disk(file.write(bytes.subarray(written, written + CHUNK)));
          written += count;
          done += count;
          if (done - synced >= SYNCED) {
            await disk(file.syncData());
            synced = done;
          }
          if (done < total) onProgress?.(done, total);
        }
      },
    });
    await disk(file.sync());
    await disk(Deno.rename(part, path));
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw error;
  }
  onProgress?.(total, total);
}
