/**
 * Where a data set of small images comes from: an archive that is fetched, checked against its hash, and decoded.
 *
 * @module
 */
import { readTarGz } from "./archives/tar.ts";

/** How far a download or another long task has come. */
export interface Progress {
  /** What is being done. */
  label: string;
  /** Bytes so far. */
  done: number;
  /** Bytes in all; 0 where the server does not say. */
  total: number;
}

/** Images of 32 x 32 pixels. */
export interface Split {
  /** [N, 32, 32, 3] */
  pixels: Uint8Array;
  /** [N], 0 .. classes - 1 */
  labels: Uint8Array;
}

/** The two parts of a CIFAR data set. */
export interface Splits {
  /** 50,000 images. */
  train: Split;
  /** 10,000 images. */
  test: Split;
  /** Names of the classes, by label. */
  classes: readonly string[];
}

/** One place to get the data set from. */
export interface Source {
  /** What pacote fetches: a package and its version, or an address. */
  spec: string;
  /** The archive's file name, for those who fetch it by hand. */
  archive: string;
  /** The archive's size. */
  bytes: number;
  /** The archive's hash, in the form "algorithm-base64". */
  integrity: string;
  /** The folder that the archive unpacks to and its files in there: they are taken too where they lie unpacked. */
  unpacked?: { folder: string; files: readonly string[] };
  /** The images in the archive's files, by their names. */
  decode(files: Map<string, Uint8Array>): Promise<Splits>;
}

/**
 * Fetches and decodes an archive, in memory.
 *
 * @param spec the source's own, or the path of an archive that is already there
 * @param onProgress is told the bytes so far, and in all
 * @throws Error if it cannot be had, or is not the one that was published
 */
export async function fetchSource(
  source: Source,
  spec: string,
  onProgress: (done: number, total: number) => void,
): Promise<Splits> {
  try {
    return await source.decode(await readTarGz(await fetchArchive(spec, source, onProgress)));
  } catch (error) {
    throw new Error(`${spec}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function fetchArchive(
  spec: string,
  { integrity, bytes }: Source,
  onProgress: (done: number, total: number) => void,
): Promise<Uint8Array> {
  // Loaded only now: its import alone asks for --allow-sys, which a set that is already here can do without.
  const { default: pacote } = await import("npm:pacote@22.0.0");
  // Without a `cache`: the archive is kept nowhere, and a wrong hash of a cached stream would be an uncaught error.
  const options = {
    integrity,
    // Deno's own setting, so that a mirror which serves the packages serves the data too.
    registry: Deno.env.get("NPM_CONFIG_REGISTRY"),
    fetchRetryMintimeout: 1000,
    fetchRetryMaxtimeout: 5000,
  };
  // pacote calls back again from the start when it tries once more.
  return await pacote.tarball.stream(spec, async (stream: AsyncIterable<Uint8Array>) => {
    const chunks: Uint8Array[] = [];
    let done = 0;
    for await (const chunk of stream) {
      chunks.push(chunk);
      done += chunk.length;
      onProgress(done, Math.max(done, bytes));
    }
    return concatenate(chunks);
  }, options);
}

/** One array after another. */
export function concatenate(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
