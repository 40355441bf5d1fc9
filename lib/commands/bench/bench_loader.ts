/**
 * `deno task bench --loader`: random crops of image files to 224 pixels, in batches in memory, by this project and by
 * torchvision's transforms in PyTorch's DataLoader with a worker for each core, in turn.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { CropRange, Dataset } from "../../datasets/dataset.ts";
import { openImageFolder } from "../../datasets/folders/image_folder.ts";
import type { ImageFiles } from "../../datasets/folders/image_files.ts";
import { batches } from "../../datasets/loader.ts";
import { randomResizedCrop, squareOf } from "../../datasets/pixels/crop.ts";
import { decodeCut } from "../../datasets/pixels/decode.ts";
import { table } from "../../figures/table.ts";
import { randomStream } from "../../random.ts";
import { context } from "../../tensorflow/ops/eager.ts";
import { PROJECT_VENV } from "../../tensorflow/libraries/locate.ts";
import { keepImages, sideForCrops } from "../inputs/keep_images.ts";
import { setUpPackages } from "../setup/python_packages.ts";
import { benchPhotos } from "./bench_photos.ts";
import { type BenchProcess, startProcess } from "./bench_process.ts";
import { median, middleOf, roundsInTime, spreadText } from "./bench_rounds.ts";

const VENV = `${PROJECT_VENV}/peer-loader`;
/** Apart from those of the other benchmarks, whose PyTorch need not fit a torchvision that decodes. */
const PACKAGES = ["torch==2.14.1", "torchvision==0.29.1", "pillow"];

const BATCH = 128, SIZE = 224;
const CROP: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };
/** A turn's images take about so many seconds, by what the first ones took. */
const TURN = 4;
/** Images whose pixels are compared. */
const COMPARED = 32;

/** torchvision's ways from a file to a tensor. */
const LOADER_MODES = {
  float32: "Pillow, float32",
  uint8: "Pillow, uint8",
  io: "torchvision.io, uint8",
} as const;

type Mode = keyof typeof LOADER_MODES;

/** One of torchvision's ways against ours. */
export interface LoaderResult {
  mode: string;
  ours_img_s: number;
  /** null is what could not be run, for which `note` says why. */
  peer_img_s: number | null;
  /** Ours divided by theirs, the median over the rounds. */
  ratio: number | null;
  /** The smallest and the largest ratio of a round. */
  spread: [number, number] | null;
  rounds: number;
  note: string;
}

/** Ours from pixels that --cache keeps, of the drawn pictures. */
export interface KeptResult {
  side: number;
  img_s: number;
  /** Divided by ours from files, the median over the rounds. */
  ratio: number;
  spread: [number, number];
}

/** How far our crops are from those of Pillow and torchvision, of 255. */
export interface PixelDifference {
  mean: number;
  most: number;
}

/** Installs PyTorch and torchvision where that has not been done. */
async function setUpLoaderPeer(): Promise<void> {
  const size = "300 MB, or 5.5 GB where pip brings PyTorch with CUDA";
  const announcement = `Setting up PyTorch and torchvision in ${VENV}, once: ${size}.`;
  await setUpPackages(VENV, PACKAGES, [], "deno task bench --loader", announcement);
}

/** Images/s of so many of ours, from the first one asked for to the last batch there. */
async function ourTurn(dataset: Dataset, images: number, seed: number): Promise<number> {
  const batch = Math.min(BATCH, dataset.length), start = performance.now();
  let seen = 0;
  for await (const { labels } of batches(dataset, { batch, size: SIZE, crop: CROP, seed })) {
    seen += labels.length;
    if (seen >= images) break;
  }
  return seen * 1000 / (performance.now() - start);
}

/** Asks the peer for so many images: its images/s, or why it cannot. */
async function peerTurn(peer: BenchProcess, mode: Mode, images: number): Promise<number | { error: string }> {
  const answer = await peer.ask<{ ms: number; images: number } | { error: string }>(`${mode}\t${images}`);
  return "error" in answer ? answer : answer.images * 1000 / answer.ms;
}

/** The same boxes of some images, cut by both. */
async function differenceOf(peer: BenchProcess, paths: readonly string[]): Promise<PixelDifference> {
  let sum = 0, most = 0, count = 0;
  for (const [i, path] of paths.slice(0, COMPARED).entries()) {
    let line = "";
    const ours = await decodeCut(await Deno.readFile(path), (width, height) => {
      const box = randomResizedCrop(width, height, CROP, randomStream(0, i));
      line = ["crop", path, box.x, box.y, box.width, box.height].join("\t");
      return squareOf(box, SIZE);
    }, "pillow");
    const answer = await peer.ask<{ pixels: string } | { error: string }>(line);
    if ("error" in answer) throw new Error(`${path} cannot be read by Pillow (${answer.error}): remove it.`);
    const theirs = Uint8Array.from(atob(answer.pixels), (c) => c.charCodeAt(0));
    ours.forEach((value, k) => {
      const difference = Math.abs(value - theirs[k]);
      sum += difference;
      most = Math.max(most, difference);
    });
    count += ours.length;
  }
  return { mean: sum / count, most };
}

/** A row of the table, from the rounds' images/s of both sides. */
export function compareLoaders(
  mode: Mode,
  ours: readonly number[],
  peer: readonly number[],
  note: string,
): LoaderResult {
  const rest = { mode: LOADER_MODES[mode], ours_img_s: median(ours), rounds: peer.length, note };
  if (peer.length === 0) return { ...rest, peer_img_s: null, ratio: null, spread: null };
  return { ...rest, peer_img_s: median(peer), ...middleOf(peer.map((each, round) => ours[round] / each)) };
}

/**
 * Measures and prints.
 *
 * @param dir a folder of images; undefined draws some in data/bench-photos
 */
export async function benchLoader(
  dir: string | undefined,
  rounds: number,
): Promise<{ loader: LoaderResult[]; kept?: KeptResult; pixels: PixelDifference }> {
  const dataset = await openImageFolder(dir ?? await benchPhotos("data"), { layout: "flat" });
  await setUpLoaderPeer();
  context(); // JPEGs are decoded by TensorFlow where it is running, as in a training
  const kept = { dir: "data/bench-kept", side: sideForCrops(SIZE, CROP) };
  const packed = dir === undefined ? await keepImages(dataset, kept) : undefined;
  const list = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(list, dataset.paths.join("\n"));
    const script = fileURLToPath(new URL("bench_loader.py", import.meta.url));
    const args = [script, list, `${Math.min(BATCH, dataset.length)}`];
    const peer = startProcess("PyTorch's side of the benchmark", `${VENV}/bin/python`, args);
    try {
      return await measure(dataset, packed, peer, rounds);
    } finally {
      await peer.close();
    }
  } finally {
    await Deno.remove(list);
  }
}

async function measure(dataset: ImageFiles, packed: Dataset | undefined, peer: BenchProcess, rounds: number) {
  const about = await peer.answer<{ torch: string; torchvision: string; pillow: string; workers: number }>();
  console.log(
    `${dataset.length} images of ${dataset.name}, cropped to ${SIZE} pixels, bicubic: this project against torchvision ` +
      `${about.torchvision} (PyTorch ${about.torch}, Pillow ${about.pillow}) in a DataLoader of ${about.workers} workers.`,
  );
  const pixels = await differenceOf(peer, dataset.paths);
  const modes = Object.keys(LOADER_MODES) as Mode[];
  const ours: number[] = [], fromKept: number[] = [], theirs = new Map(modes.map((mode) => [mode, [] as number[]]));
  const notes = new Map<Mode, string>();
  const turn = async (mode: Mode, images: number) => {
    const answer = await peerTurn(peer, mode, images);
    if (typeof answer === "object") notes.set(mode, answer.error);
    return typeof answer === "object" ? undefined : answer;
  };
  await ourTurn(dataset, 4 * BATCH, 0); // starts what there is to start, and brings the files into memory
  const images = BATCH * Math.max(4, Math.round(TURN * await ourTurn(dataset, 8 * BATCH, 0) / BATCH));
  for (const mode of modes) await turn(mode, images);
  for (const round of roundsInTime(rounds)) {
    console.error(`round ${round}: ours`);
    ours.push(await ourTurn(dataset, images, round));
    if (packed) fromKept.push(await ourTurn(packed, images, round));
    for (const mode of modes) {
      if (notes.has(mode)) continue;
      console.error(`round ${round}: ${LOADER_MODES[mode]}`);
      const answer = await turn(mode, images);
      if (answer !== undefined) theirs.get(mode)!.push(answer);
    }
  }
  const loader = modes.map((mode) => compareLoaders(mode, ours, theirs.get(mode)!, notes.get(mode) ?? ""));
  const kept = packed && {
    ...{ side: sideForCrops(SIZE, CROP), img_s: median(fromKept) },
    ...middleOf(fromKept.map((each, round) => each / ours[round])),
  };
  print(loader, kept, pixels);
  return { loader, kept, pixels };
}

function print(
  results: readonly LoaderResult[],
  kept: KeptResult | undefined,
  { mean, most }: PixelDifference,
): void {
  const rows = results.map(({ mode, peer_img_s, ours_img_s, ratio, spread, rounds }) => [
    ...[mode, peer_img_s, ours_img_s, ratio],
    spread && spreadText(spread),
    rounds,
  ]);
  const speed = { title: "images/s", decimals: 0 };
  console.log(
    table(rows, [
      "torchvision",
      speed,
      { ...speed, title: "ours" },
      { title: "ratio", decimals: 2 },
      "spread",
      "rounds",
    ]),
  );
  for (const { mode, note } of results) if (note) console.log(`${mode}: ${note}.`);
  if (kept) {
    const times = `${kept.ratio.toFixed(2)} (${spreadText(kept.spread)}) times as many as from files`;
    console.log(
      `Ours from pixels kept on the disk at a side of ${kept.side}: ${kept.img_s.toFixed(0)} images/s, ${times}.`,
    );
  }
  console.log(`Our crops differ from those of Pillow by ${mean.toFixed(3)} of 255 in the mean, and ${most} at most.`);
}
