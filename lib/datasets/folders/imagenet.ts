/**
 * ImageNet (ILSVRC 2012) as a user has it: folders of synsets, or the archives as they were downloaded, which are read
 * in place. Labels are the synsets' places in their sorted order, as in torchvision.
 *
 * @module
 */
import { basename, join } from "node:path";
import { type ImageFiles, imageFiles, type ImageList, type ReadOptions } from "./image_files.ts";
import { listImageFolder } from "./image_folder.ts";
import { listImageTar } from "../archives/image_tar.ts";
import { readStructs } from "./matlab.ts";
import type { Progress } from "../sources.ts";
import { readTarGz } from "../archives/tar.ts";

const TRAIN_TAR = "ILSVRC2012_img_train.tar", VAL_TAR = "ILSVRC2012_img_val.tar";
const DEVKIT = "ILSVRC2012_devkit_t12", DEVKIT_TAR = `${DEVKIT}.tar.gz`;
const TRUTH = "data/ILSVRC2012_validation_ground_truth.txt", META = "data/meta.mat";
const SOLUTION = "LOC_val_solution.csv";
/** Where Kaggle's copy has train/ and val/. */
const KAGGLE = "ILSVRC/Data/CLS-LOC";

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** Whether a folder has one of the files that only ImageNet has. */
export async function isImageNet(dir: string): Promise<boolean> {
  const signs = [TRAIN_TAR, VAL_TAR, DEVKIT, DEVKIT_TAR, SOLUTION, KAGGLE];
  return (await Promise.all(signs.map((name) => exists(join(dir, name))))).includes(true);
}

/**
 * ImageNet's training and validation images, from `dir`:
 *
 * - train/SYNSET/*.JPEG, or ILSVRC2012_img_train.tar, an archive of an archive for each synset;
 * - val/SYNSET/*.JPEG, or without folders val/*.JPEG or ILSVRC2012_img_val.tar, to which the labels are in
 *   LOC_val_solution.csv (Kaggle's), or else in the devkit, ILSVRC2012_devkit_t12.tar.gz or unpacked, whose meta.mat says
 *   which synset a number stands for.
 *
 * Kaggle's ILSVRC/Data/CLS-LOC is found below `dir`. A subset of the synsets is taken as it is.
 *
 * @param options.cache the folder where the archives' indexes are kept, "data/imagenet" if not said
 * @param options.onProgress is told how far the indexing of an archive has come
 * @returns each split that is there
 * @throws Error naming the file that is missing, damaged, or does not fit the others
 */
export async function openImageNet(
  dir: string,
  { cache = "data/imagenet", onProgress, ...reading }: ReadOptions & {
    cache?: string;
    onProgress?: (progress: Progress) => void;
  } = {},
): Promise<{ train?: ImageFiles; val?: ImageFiles }> {
  const root = await exists(join(dir, KAGGLE)) ? join(dir, KAGGLE) : dir;
  async function list(folder: string, archive: string): Promise<ImageList | undefined> {
    if (await exists(join(root, folder))) {
      return await listImageFolder(join(root, folder), { layout: "classes", ...reading });
    }
    if (await exists(join(root, archive))) return await listImageTar(join(root, archive), cache, onProgress, reading);
    return undefined;
  }
  const train = await list("train", TRAIN_TAR), val = await list("val", VAL_TAR);
  if (!train && !val) {
    throw new Error(`${root} holds no ImageNet images: expected train/ or ${TRAIN_TAR}, and val/ or ${VAL_TAR}.`);
  }
  const unlabelled = val?.labels.includes(-1);
  return {
    train: train && imageFiles(train, reading),
    val: val && imageFiles(unlabelled ? withSynsets(val, await readSynsets([...new Set([dir, root])])) : val, reading),
  };
}

/** Synsets of images, by the images' names without their endings, and where they are from. */
interface Synsets {
  source: string;
  byName: Map<string, string>;
}

/** Validation images with the labels that their names have. */
function withSynsets(images: ImageList, { source, byName }: Synsets): ImageList {
  const names = images.paths.map((path) => basename(path).replace(/\.[^.]*$/, ""));
  const among = (what: string, found: string[]) => {
    if (found.length === 0) return;
    throw new Error(
      `${source}, which has labels of ${byName.size} images, does not fit ${images.name}: ${found.length} ${what} ` +
        `(${found.slice(0, 3).join(", ")}${found.length > 3 ? ", ..." : ""}).`,
    );
  };
  const present = new Set(names);
  among("images are not in it", names.filter((name) => !byName.has(name)));
  among("of its images are missing", [...byName.keys()].filter((name) => !present.has(name)));
  const classes = [...new Set(byName.values())].sort();
  const labelOf = new Map(classes.map((synset, label) => [synset, label]));
  return { ...images, classes, labels: Int32Array.from(names, (name) => labelOf.get(byName.get(name)!)!) };
}

async function readSynsets(dirs: string[]): Promise<Synsets> {
  const found = async (name: string) => {
    for (const dir of dirs) if (await exists(join(dir, name))) return join(dir, name);
  };
  const solution = await found(SOLUTION);
  if (solution) return { source: solution, byName: parseSolution(solution, await Deno.readTextFile(solution)) };
  const devkit = await found(DEVKIT);
  if (devkit) return await parseDevkit(devkit, (name) => Deno.readFile(join(devkit, name)));
  const archive = await found(DEVKIT_TAR);
  if (archive) {
    const files = await readTarGz(await Deno.readFile(archive)).catch((error) => {
      throw new Error(`${archive}: ${error.message}.`, { cause: error });
    });
    return await parseDevkit(archive, (name) => {
      const file = files.get(name);
      if (!file) throw new Error("the archive does not hold it");
      return file;
    });
  }
  throw new Error(
    `The validation images in ${dirs.at(-1)} have no labels: put ${DEVKIT_TAR} or ${SOLUTION} into ${dirs[0]}.`,
  );
}

/** Kaggle's lines, "ILSVRC2012_val_00048981,n03995372 85 1 499 272 ...": an image, and boxes, each with its synset. */
function parseSolution(path: string, text: string): Map<string, string> {
  const [head, ...lines] = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (head !== "ImageId,PredictionString") throw new Error(`${path} does not begin with "ImageId,PredictionString".`);
  return new Map(lines.map((line) => {
    const [, name, synset] = /^([^,]+),(n\d{8}) /.exec(line + " ") ?? [];
    if (!name) throw new Error(`${path}: the line "${line.slice(0, 60)}" is no image and a synset.`);
    return [name, synset];
  }));
}

/** The devkit's numbers, a line for each image in the order of their names, as the synsets they stand for. */
async function parseDevkit(source: string, read: (name: string) => Uint8Array | Promise<Uint8Array>): Promise<Synsets> {
  const from = async <T>(name: string, parse: (bytes: Uint8Array) => T): Promise<T> => {
    try {
      return parse(await read(name));
    } catch (error) {
      throw new Error(`${join(source, name)}: ${error instanceof Error ? error.message : error}.`, { cause: error });
    }
  };
  const synsets = await from(
    META,
    (bytes) =>
      new Map(
        readStructs(bytes, "synsets").map(({ ILSVRC2012_ID: id, WNID: synset }) => {
          if (!Array.isArray(id) || id.length !== 1 || typeof synset !== "string" || !/^n\d{8}$/.test(synset)) {
            throw new Error("a synset lacks its ILSVRC2012_ID or WNID");
          }
          return [id[0], synset] as const;
        }),
      ),
  );
  const byName = await from(
    TRUTH,
    (bytes) =>
      new Map(
        new TextDecoder().decode(bytes).trim().split(/\s+/).map((number, i) => {
          const synset = synsets.get(Number(number));
          if (synset === undefined) throw new Error(`line ${i + 1} is "${number}", which no synset in meta.mat has`);
          return [`ILSVRC2012_val_${String(i + 1).padStart(8, "0")}`, synset] as const;
        }),
      ),
  );
  return { source, byName };
}
