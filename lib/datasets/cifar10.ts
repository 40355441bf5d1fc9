/**
 * CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels in ten classes. Downloaded the
 * first time and kept as plain bytes, so that every later time it loads in a moment and without a network.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { CIFAR10_SOURCES, fetchSource, type Progress, type Source, type Splits } from "./cifar10_sources.ts";
import type { Dataset } from "./dataset.ts";
import { memoryDataset } from "./memory.ts";

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

/** The file that is written last and vouches for the others: by name, the sha256 of each. */
const INDEX = "cifar10.json";

/**
 * CIFAR-10 from `dir`/cifar10, which is made first if it is not there.
 *
 * @param dir the folder of data sets, usually "data"
 * @param options.onProgress is told how far the download has come, in bytes
 * @param options.sources where to download from, in the order to try
 * @throws Error if no source can be had, or what was kept is damaged; the message says what to do
 */
export async function loadCifar10(
  dir: string,
  options: { onProgress?: (progress: Progress) => void; sources?: readonly Source[] } = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const folder = join(dir, "cifar10");
  let splits = await readKept(folder);
  if (!splits) {
    splits = await obtain(folder, options.sources ?? CIFAR10_SOURCES, options.onProgress);
    await keep(folder, splits);
  }
  const dataset = (name: string, { pixels, labels }: Splits["train"]) =>
    memoryDataset({
      name,
      classes: CIFAR10_CLASSES,
      pixels,
      width: 32,
      height: 32,
      labels: Int32Array.from(labels),
    });
  return { train: dataset("CIFAR-10 train", splits.train), test: dataset("CIFAR-10 test", splits.test) };
}

async function obtain(
  folder: string,
  sources: readonly Source[],
  onProgress?: (progress: Progress) => void,
): Promise<Splits> {
  await Deno.mkdir(folder, { recursive: true });
  for (const source of sources) {
    const byHand = await Deno.realPath(join(folder, source.archive)).catch(() => undefined);
    if (byHand) return await fetchSource(source, byHand, onProgress);
  }
  const reasons: string[] = [];
  for (const source of sources) {
    try {
      return await fetchSource(source, source.spec, onProgress);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `CIFAR-10 is not in ${folder} and cannot be downloaded (${reasons.join("; ")}): with a network try again, or put ` +
      `${sources.map((source) => source.archive).join(" or ")} into ${folder} by hand.`,
  );
}

function parts({ train, test }: Splits): [string, Uint8Array][] {
  return [
    ["train.images.u8", train.pixels],
    ["train.labels.u8", train.labels],
    ["test.images.u8", test.pixels],
    ["test.labels.u8", test.labels],
  ];
}

async function keep(folder: string, splits: Splits): Promise<void> {
  const sha256: Record<string, string> = {};
  for (const [name, bytes] of parts(splits)) {
    await writeWhole(join(folder, name), bytes);
    sha256[name] = hash(bytes);
  }
  const index = { images: "[N, 32, 32, 3] bytes", classes: CIFAR10_CLASSES, sha256 };
  await writeWhole(join(folder, INDEX), new TextEncoder().encode(JSON.stringify(index, null, 2) + "\n"));
}

/** Written beside and renamed, so that a file under its own name is always whole. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${Deno.pid}.part`;
  await Deno.writeFile(beside, bytes);
  await Deno.rename(beside, path);
}

async function readKept(folder: string): Promise<Splits | undefined> {
  let index: { sha256: Record<string, string> };
  try {
    index = JSON.parse(await Deno.readTextFile(join(folder, INDEX)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw damaged(join(folder, INDEX), folder, error instanceof Error ? error.message : String(error));
  }
  async function read(name: string): Promise<Uint8Array> {
    const path = join(folder, name);
    const bytes = await Deno.readFile(path).catch((error) => {
      throw damaged(path, folder, error.message);
    });
    if (hash(bytes) !== index.sha256[name]) {
      throw damaged(path, folder, "its sha256 is not the one it was written with");
    }
    return bytes;
  }
  return {
    train: { pixels: await read("train.images.u8"), labels: await read("train.labels.u8") },
    test: { pixels: await read("test.images.u8"), labels: await read("test.labels.u8") },
  };
}

function damaged(path: string, folder: string, why: string): Error {
  return new Error(`${path} cannot be used (${why}): delete ${join(folder, INDEX)} and it is made anew.`);
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
