import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import sharp from "sharp";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { isImageNet, openImageNet } from "../../../lib/datasets/folders/imagenet.ts";
import { drawPerClass, readSubset, subsetOf } from "../../../lib/datasets/subset.ts";
import { tarOf } from "../fixtures/tar_of.ts";

type Files = Map<string, Uint8Array>;

/** Runs `test` with a folder, which is removed afterwards, and options that keep indexes in it. */
async function withFolder(test: (dir: string, options: { cache: string }) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir, { cache: join(dir, "cache") });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function write(dir: string, files: Files): Promise<void> {
  for (const [name, bytes] of files) {
    await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
    await Deno.writeFile(join(dir, name), bytes);
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A JPEG of one grey. */
async function grey(value: number): Promise<Uint8Array> {
  const background = { r: value, g: value, b: value };
  return new Uint8Array(await sharp({ create: { width: 12, height: 10, channels: 3, background } }).jpeg().toBuffer());
}

/** The synsets that the fixture meta.mat numbers 3, 1 and 2: sorted, they are in another order than their numbers. */
const SYNSETS = ["n01440764", "n02100735", "n02119789"];

/** Two images of each synset by their paths below train/, of the greys 10, 20, ... in that order. */
async function trainFiles(): Promise<Files> {
  const files: Files = new Map();
  for (const synset of SYNSETS) {
    for (const i of [7, 10]) files.set(`${synset}/${synset}_${i}.JPEG`, await grey(10 * (files.size + 1)));
  }
  return files;
}

/** A tar of a tar for each synset, as ILSVRC2012_img_train.tar; the synsets in an order of their own. */
function trainTar(files: Files): Uint8Array {
  const inner = [...SYNSETS].reverse().map((synset): [string, Uint8Array] => {
    const own = [...files].filter(([path]) => path.startsWith(synset)).map((
      [path, bytes],
    ) => [path.split("/")[1], bytes]);
    return [`${synset}.tar`, tarOf(new Map(own as [string, Uint8Array][]), "")];
  });
  return tarOf(new Map(inner), "");
}

const VAL = [1, 2, 3, 4].map((i) => `ILSVRC2012_val_0000000${i}`);
/** What the devkit's numbers 3, 1, 1, 2 are as labels. */
const VAL_LABELS = [0, 2, 2, 1];

async function valFiles(): Promise<Files> {
  return new Map(await Promise.all(VAL.map(async (name, i) => [`${name}.JPEG`, await grey(60 * i)] as const)));
}

function devkit(truth = "3\n1\n1\n2\n", meta = "meta_compressed.mat"): Files {
  return new Map([
    ["data/ILSVRC2012_validation_ground_truth.txt", bytesOf(truth)],
    ["data/meta.mat", Deno.readFileSync(new URL(`../fixtures/${meta}`, import.meta.url))],
  ]);
}

const devkitTar = (files: Files) => gzipSync(tarOf(files, "ILSVRC2012_devkit_t12/"));

const SOLUTION = ["ImageId,PredictionString"].concat(
  // Kaggle's lines are in no order, and an image may have several boxes.
  [2, 0, 3, 1].map((i) => `${VAL[i]},${SYNSETS[VAL_LABELS[i]]} 85 1 499 272 ${i === 0 ? "n01440764 1 2 3 4 " : ""}`),
).join("\n") + "\n";

async function greysOf(dataset: Dataset): Promise<number[]> {
  const { pixels } = await dataset.centred(Uint32Array.from({ length: dataset.length }, (_, i) => i), 2);
  return Array.from({ length: dataset.length }, (_, i) => pixels[i * 12]);
}

const placesIn = (dataset: Dataset, root: string) => dataset.paths!.map((path) => path.slice(root.length + 1));

Deno.test("openImageNet() gives the same training images from folders and from the archive of archives", () =>
  withFolder(async (dir, options) => {
    const files = await trainFiles(), archive = join(dir, "tar", "ILSVRC2012_img_train.tar");
    await write(join(dir, "folders", "train"), files);
    await write(join(dir, "tar"), new Map([["ILSVRC2012_img_train.tar", trainTar(files)]]));
    const { train: folders, val } = await openImageNet(join(dir, "folders"), options);
    const { train: tar } = await openImageNet(join(dir, "tar"), options);
    assertEquals(val, undefined);
    for (const [train, root] of [[folders!, join(dir, "folders", "train")], [tar!, archive]] as const) {
      assertEquals(train.classes, SYNSETS);
      assertEquals(train.labels, Int32Array.of(0, 0, 1, 1, 2, 2));
      // In the order of strings, as torchvision sorts them.
      assertEquals(placesIn(train, root).slice(0, 2), ["n01440764/n01440764_10.JPEG", "n01440764/n01440764_7.JPEG"]);
      assertEquals(await greysOf(train), [20, 10, 40, 30, 60, 50]);
      assertEquals(drawPerClass(train.labels, 1, 4), drawPerClass(folders!.labels, 1, 4));
    }
    const list = join(dir, "1percent.txt");
    await Deno.writeTextFile(list, "n02119789_7.JPEG\nn01440764_10.JPEG\n");
    const part = subsetOf(tar!, await readSubset(list, tar!.paths));
    assertEquals([[...part.labels], await greysOf(part)], [[0, 2], [20, 50]]);

    const crop = { scale: [0.3, 1] as [number, number], aspect: [1, 1] as [number, number] };
    const indices = Uint32Array.of(5, 0), key = { seed: 1, epoch: 0 };
    assertEquals(await tar!.crops(indices, 4, crop, key), await folders!.crops(indices, 4, crop, key));
  }));

Deno.test("openImageNet() labels flat validation images by the devkit or Kaggle's list, in a folder or an archive", () =>
  withFolder(async (dir, options) => {
    const images = await valFiles(), folder = new Map([...images].map(([name, bytes]) => [`val/${name}`, bytes]));
    const archive: Files = new Map([["ILSVRC2012_img_val.tar", tarOf(images, "")]]);
    const unpacked = new Map([...devkit()].map(([name, bytes]) => [`ILSVRC2012_devkit_t12/${name}`, bytes]));
    const labels: Files[] = [
      new Map([["ILSVRC2012_devkit_t12.tar.gz", devkitTar(devkit())]]),
      new Map([["ILSVRC2012_devkit_t12.tar.gz", devkitTar(devkit(undefined, "meta.mat"))]]),
      unpacked,
      new Map([["LOC_val_solution.csv", bytesOf(SOLUTION)]]),
    ];
    for (const [i, own] of [folder, archive].flatMap((files) => labels.map((more) => [...files, ...more])).entries()) {
      const place = join(dir, `${i}`);
      await write(place, new Map(own));
      const { train, val } = await openImageNet(place, options);
      assertEquals(train, undefined);
      assertEquals(val!.classes, SYNSETS);
      assertEquals([...val!.labels], VAL_LABELS);
      assertEquals(await greysOf(val!), [0, 60, 120, 180]);
      assert(val!.paths[3].endsWith(`${VAL[3]}.JPEG`));
    }
  }));

Deno.test("openImageNet() takes validation images in folders of synsets by these, and finds Kaggle's folders", () =>
  withFolder(async (dir, options) => {
    const kaggle = "ILSVRC/Data/CLS-LOC";
    await write(join(dir, kaggle, "train"), await trainFiles());
    await write(join(dir, kaggle, "val"), await valFiles());
    await write(dir, new Map([["LOC_val_solution.csv", bytesOf(SOLUTION)]]));
    const { train, val } = await openImageNet(dir, options);
    assertEquals([train!.length, val!.length, [...val!.labels]], [6, 4, VAL_LABELS]);
    await Deno.remove(join(dir, kaggle, "val"), { recursive: true });
    await write(join(dir, kaggle, "val"), new Map([["n02100735/a.JPEG", await grey(1)]]));
    assertEquals((await openImageNet(dir, options)).val!.classes, ["n02100735"]);
  }));

Deno.test("openImageNet() names what is missing, damaged, or does not fit", () =>
  withFolder(async (dir, options) => {
    const refused = async (message: string) => {
      const error = await assertRejects(() => openImageNet(dir, options), Error, message);
      assertEquals(error.message.split("\n").length, 1, error.message);
    };
    await refused(`${dir} holds no ImageNet images: expected train/ or ILSVRC2012_img_train.tar, and val/ or`);
    await write(join(dir, "val"), await valFiles());
    await refused("have no labels: put ILSVRC2012_devkit_t12.tar.gz or LOC_val_solution.csv into " + dir);

    const tar = join(dir, "ILSVRC2012_devkit_t12.tar.gz"), truth = "data/ILSVRC2012_validation_ground_truth.txt";
    const withDevkit = async (archive: Uint8Array, message: string) => {
      await Deno.writeFile(tar, archive);
      await refused(message);
    };
    await withDevkit(bytesOf("no gzip"), `${tar}: `);
    const { "data/meta.mat": meta } = Object.fromEntries(devkit());
    await withDevkit(devkitTar(new Map([["data/meta.mat", meta]])), `${tar}/${truth}: the archive does not hold it`);
    await withDevkit(
      devkitTar(new Map([...devkit(), ["data/meta.mat", meta.subarray(0, 300)]])),
      `${tar}/data/meta.mat: `,
    );
    await withDevkit(
      devkitTar(devkit("3\n9\n1\n2\n")),
      `${tar}/${truth}: line 2 is "9", which no synset in meta.mat has`,
    );
    await withDevkit(
      devkitTar(devkit("3\n1\n1\n2\n1\n2\n")),
      `${tar}, which has labels of 6 images, does not fit ${
        join(dir, "val")
      }: 2 of its images are missing (ILSVRC2012_val_` +
        "00000005, ILSVRC2012_val_00000006).",
    );
    await withDevkit(
      devkitTar(devkit("3\n1\n")),
      "2 images are not in it (ILSVRC2012_val_00000003, ILSVRC2012_val_00000004)",
    );

    const solution = join(dir, "LOC_val_solution.csv");
    await Deno.writeTextFile(solution, "a,b\n");
    await refused(`${solution} does not begin with "ImageId,PredictionString"`);
    await Deno.writeTextFile(solution, SOLUTION + "ILSVRC2012_val_00000005,dog\n");
    await refused(`${solution}: the line "ILSVRC2012_val_00000005,dog" is no image and a synset`);
    await Deno.writeTextFile(solution, SOLUTION);
    assertEquals([...(await openImageNet(dir, options)).val!.labels], VAL_LABELS);

    const archive = join(dir, "ILSVRC2012_img_train.tar"), whole = trainTar(await trainFiles());
    await Deno.writeFile(archive, whole.subarray(0, 2000));
    await refused(`${archive}: the archive ends inside n02119789.tar`);
    await Deno.writeFile(archive, tarOf(new Map([["notes.txt", bytesOf("x")]]), ""));
    await refused(`${archive} holds no image`);
    await Deno.writeFile(
      archive,
      tarOf(new Map([["a.JPEG", bytesOf("x")], ["n01.tar", tarOf(new Map([["b.JPEG", bytesOf("x")]]), "")]]), ""),
    );
    await refused(`${archive} holds both folders of classes and images of no class (a.JPEG)`);
    await Deno.writeFile(archive, tarOf(new Map([["n01/a.JPEG", bytesOf("x")]]), "train/"));
    await refused(`${archive} holds train/, which look like splits rather than classes: unpack it, or give an archive`);
  }));

Deno.test("openImageNet() names a bad image in an archive, or has others stand in; says what it ignored", () =>
  withFolder(async (dir, options) => {
    const files = await trainFiles(), bad = "n02100735/n02100735_10.JPEG";
    files.set(bad, files.get(bad)!.subarray(0, 200));
    files.set("n02119789/notes.txt", bytesOf("notes"));
    files.set("n02119789/._n02119789_7.JPEG", bytesOf("a shadow of macOS"));
    await write(dir, new Map([["ILSVRC2012_img_train.tar", trainTar(files)]]));
    const archive = join(dir, "ILSVRC2012_img_train.tar"), { train } = await openImageNet(dir, options);
    await assertRejects(() => greysOf(train!), Error, `${archive}/${bad} cannot be read as an image`);
    const left = ["._n02119789_7.JPEG", "notes.txt"].map((name) => `${archive}/n02119789/${name}`);
    assertEquals(train!.ignored, left);
    const lenient = (await openImageNet(dir, { ...options, onBadImage: "skip" })).train!;
    assertEquals(await greysOf(lenient), [20, 10, 30, 30, 60, 50]);
    assertEquals(lenient.skipped, [`${archive}/${bad}`]);
  }));

Deno.test("openImageNet() leaves out what is no file in an archive, and stops at links that have images' names", () =>
  withFolder(async (dir, options) => {
    const odd = gunzipSync(await Deno.readFile(new URL("../fixtures/tar_odd.tar.gz", import.meta.url)));
    await write(dir, new Map([["ILSVRC2012_img_train.tar", odd]]));
    const archive = join(dir, "ILSVRC2012_img_train.tar");
    await assertRejects(
      () => openImageNet(dir, options),
      Error,
      `${archive}/a/hard.jpg cannot be read (it is a hard link; 3 more cannot either): repair or remove it, or set`,
    );
    for (const when of ["found", "kept"]) {
      const { train } = await openImageNet(dir, { ...options, onBadImage: "skip" });
      assertEquals(train!.paths, ["x", "y"].map((name) => `${archive}/a/${name}.jpg`), when);
      assertEquals(train!.skipped.length, 4, when);
      assertEquals(train!.ignored, [`${archive}/a/device`], when);
    }
  }));

Deno.test("isImageNet() knows the folder by its archives, not by folders that any set may have", () =>
  withFolder(async (dir) => {
    await write(dir, new Map([["train/n01440764/a.JPEG", bytesOf("")], ["val/n01440764/b.JPEG", bytesOf("")]]));
    assertEquals(await isImageNet(dir), false);
    await write(dir, new Map([["ILSVRC2012_devkit_t12.tar.gz", bytesOf("")]]));
    assertEquals(await isImageNet(dir), true);
  }));
