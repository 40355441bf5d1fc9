/**
 * What stands for the things that documented commands are about, so that each runs in seconds: a folder with data and weights
 * of the right shapes, by the names that the commands say or by those below.
 *
 * @module
 */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { saveEncoder, saveHuggingFace } from "../../../lib/jepa/save_encoder.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { npyHeader } from "../../../lib/weights/formats/npy.ts";
import { tarOf } from "../../datasets/fixtures/tar_of.ts";
import type { ServedRepo } from "../../hub/hub_server.ts";

/** Tasks that cannot be run here, and who runs what they are made of. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  "bench": "it installs PyTorch and times it for minutes; the tests in bench/ hold its parts",
  "lab": "it opens a browser; tests/notebooks/lab_test.ts does",
  "notebooks": "they take minutes; tests/notebooks/notebooks_test.ts runs each in its quick mode",
  "evaluate-video": "it renders clips for minutes; tests/evaluation/video holds its parts",
  "parity": "it installs PyTorch; tests/parity/parity_test.ts compares with what that computed",
  "plan": "it takes 200 actions of each episode; plan_test.ts runs it on a model that it trains",
  "test": "this is one of them",
};

/** Networks as small as they get. */
const networks = (depth: number, predictor = '{"width":8,"depth":1,"heads":2}') => [
  ..."--set architecture.width=16 --set architecture.heads=2".split(" "),
  ...["--set", `architecture.depth=${depth}`, "--set", `architecture.predictor=${predictor}`],
];
const FEW_STEPS = "--batch 8 --micro-batch 4 --epochs 0.2 --monitor 0 --precision float32".split(" ");

/** How a task is run. */
interface Running {
  /** What a mention without options leaves out. */
  needs?: readonly string[];
  /** What makes it short in the place of what was said, whose options are a part each; or how that follows from it. */
  short?: readonly string[] | ((said: readonly string[]) => readonly string[]);
}

/** By task, in the order in which they run. */
export const RUN: Readonly<Record<string, Running>> = {
  "setup": {},
  // Linear probes of raw pixels take long at 32 pixels: the run of MADE, of 16, is evaluated.
  "pretrain": { needs: ["--preset", "cifar10"], short: [...networks(1), ...FEW_STEPS, "--no-eval"] },
  "pretrain-video": {
    short: [
      ...networks(1, '{"width":8,"depth":1,"heads":2,"maskTokens":1}'),
      ..."--data clips --batch 2 --epochs 1 --precision float32".split(" "),
    ],
  },
  "train-decoder": {
    needs: ["--weights", "weights/cifar10"],
    short: [
      ...["--set", "network.channels=[16,16]", "--set", "network.heads=2"],
      ..."--batch 8 --epochs 0.1 --measure 0 --precision float32".split(" "),
    ],
  },
  "encode": {},
  "evaluate": {
    needs: "--weights weights/cifar10 --protocol knn --precision bfloat16".split(" "),
    short(said) {
      const protocols = said.findLast((part) => part.startsWith("--protocol "))!;
      const where = (names: RegExp, ...words: string[]) => names.test(protocols) ? words : [];
      return [
        ...["--subjects", "encoder", ...where(/all|lowshot|finetune/, "--per-class", "1")],
        ...[...where(/all|finetune/, "--epochs", "1"), ...where(/all/, "--clevr", "CLEVR_v1.0")],
      ];
    },
  },
  "decode": {
    needs: "--weights weights/cifar10 --images photos/train --out made/N".split(" "),
    short: "--rows 2 --samples 2 --steps 2".split(" "),
  },
  "export": {},
  "report": {},
  "estimate": {},
  "reproduce": {},
};

/** Options whose values are the user's things; each value has an entry below. */
export const THINGS = [
  "--clevr",
  "--config",
  "--data",
  "--images",
  "--list",
  "--out",
  "--push",
  "--subset",
  "--weights",
];

/** What is said, and what is taken for it; N is a number of the command's own. */
export const STAND_INS: Readonly<Record<string, string>> = {
  "DIR": "weights/cifar10",
  "[DIR": "weights/cifar10-long-1",
  "...]": "",
  "--clevr CLEVR_v1.0": "--clevr CLEVR_v1.0",
  "--data DIR": "--data photos",
  "--data IMAGENET": "--data photos",
  "--data IN": "--data photos",
  "--data hf:owner/name": "--data hf:owner/name",
  "--images DIR": "--images photos/train",
  "--out DIR": "--out made/N",
  "--out features.safetensors": "--out made/features.safetensors",
  "--preset NAME": "--preset cifar10",
  // Its predictor is told a transformation: image_world_model_test.ts trains one, mean_reciprocal_rank_test.ts measures.
  "--preset iwm-cifar10": "--preset cifar10",
  "--protocol mrr": "--protocol all",
  "--weights weights/iwm-cifar10-1": "--weights weights/cifar10",
  // Of world models, whose networks are others: plan_test.ts trains one, camera_model_test.ts another.
  "--preset camera-scenes": "--preset cifar10",
  "--set scenes.clips=600": "",
  '--set predictor={"width":64,"depth":2,"heads":4}': "",
  "--out weights/two-rooms/without-variance": "--out made/N",
  "--preset two-rooms": "--preset cifar10",
  "--preset two-rooms-fixed": "--preset cifar10",
  // 10,000 scenes take two minutes to draw.
  "--data scenes": "--data photos",
  "--preset scenes": "--preset scenes --data photos",
  // Protocols run one after the other: all of them stand for some.
  "--protocol count,distance": "--protocol all",
  "--protocol knn,linear-fast,lowshot": "--protocol all",
  "--protocol linear": "--protocol all",
  "--push owner/name": "--push owner/name",
  // Of GPUs.
  "--scale paper": "--scale paper --dry-run",
  // A run like any other.
  "--seed 0": "",
  "--seed 1": "",
  "--seed 2": "",
  "--set architecture.channels=13": "--set architecture.channels=13 --data bands",
  "--subset 1percent.txt": "--subset 1percent.txt",
  "--weights DIR": "--weights weights/cifar10",
  "--weights FILE": "--weights weights/cifar10",
  "--weights IN1K-vit.h.14-300e.pth.tar": "--weights vit_224.safetensors",
  "--weights PATH": "--weights weights/cifar10",
  "--weights facebook/ijepa_vith14_1k": "--weights facebook/ijepa_vith14_1k",
  "--weights vit_huge.pth.tar": "--weights vit_224.safetensors",
  "--weights weights/cifar10": "--weights weights/cifar10",
  "--workers 8": "--workers 2",
  // Ten minutes of training, and a decoder's; its commands are of the kinds above.
  "figure6": "figure6 --dry-run",
};

/** Runs that the commands are about, made by a command; four layers are as many as evaluations look at. */
export const MADE: readonly (readonly string[])[] = [[
  ...["pretrain", ...networks(4), ...FEW_STEPS],
  ..."--set architecture.image=16 --set architecture.patch=2 --out weights/cifar10".split(" "),
]];

const CLASSES = ["n01440764", "n01443537"];

/** Noise about a colour of its class. */
function noise(side: number, label: number, index: number): Uint8Array<ArrayBuffer> {
  const random = randomStream(label, index);
  return Uint8Array.from({ length: side * side * 3 }, (_, at) => 40 * (label % 5) + 20 * (at % 3) + random.integer(60));
}

async function makePhotos(folder: string): Promise<void> {
  const listed: string[] = [];
  for (const [label, synset] of CLASSES.entries()) {
    for (const [split, count] of [["train", 12], ["val", 4]] as const) {
      await Deno.mkdir(`${folder}/photos/${split}/${synset}`, { recursive: true });
      for (let i = 0; i < count; i++) {
        const raw = { width: 40, height: 40, channels: 3 } as const, name = `${synset}_${i}.JPEG`;
        const photo = sharp(noise(40, label, i), { raw }).resize(250, 240, { fit: "fill" }).jpeg();
        await photo.toFile(`${folder}/photos/${split}/${synset}/${name}`);
        if (split === "train" && i < 2) listed.push(name);
      }
    }
  }
  await Deno.writeTextFile(`${folder}/1percent.txt`, listed.join("\n") + "\n");
}

/** Images of 13 bands as NumPy saves them, float32. */
async function makeBands(folder: string): Promise<void> {
  for (const label of [0, 1]) {
    await Deno.mkdir(`${folder}/bands/${label}`, { recursive: true });
    for (let i = 0; i < 12; i++) {
      const random = randomStream(label, i),
        values = Float32Array.from({ length: 20 * 20 * 13 }, () => random.integer(60));
      const bytes = Uint8Array.from([...npyHeader([20, 20, 13]), ...new Uint8Array(values.buffer)]);
      await Deno.writeFile(`${folder}/bands/${label}/${i}.npy`, bytes);
    }
  }
}

/** The authors' binary files, of 200 and 50 images. */
async function makeCifar10(folder: string): Promise<void> {
  const batches = `${folder}/data/cifar10/cifar-10-batches-bin`;
  await Deno.mkdir(batches, { recursive: true });
  for (
    const [n, name] of ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
      .entries()
  ) {
    const records = Array.from({ length: 50 }, (_, i) => [i % 10, ...noise(32, i % 10, 50 * n + i)]);
    await Deno.writeFile(`${batches}/${name}.bin`, Uint8Array.from(records.flat()));
  }
}

async function makeClevr(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/CLEVR_v1.0/scenes`, { recursive: true });
  for (const [split, count] of [["train", 24], ["val", 8]] as const) {
    const images = `${folder}/CLEVR_v1.0/images/${split}`;
    await Deno.mkdir(images, { recursive: true });
    const scenes = Array.from({ length: count }, (_, i) => ({
      image_filename: `CLEVR_${split}_${`${i}`.padStart(6, "0")}.png`,
      objects: Array.from({ length: 3 + i % 8 }, (_, n) => ({ pixel_coords: [100, 100, 8 + i % 7 + n] })),
    }));
    for (const [i, { image_filename }] of scenes.entries()) {
      const raw = { width: 48, height: 48, channels: 3 } as const;
      await sharp(noise(48, i, i), { raw }).resize(480, 320, { fit: "fill" }).png().toFile(
        `${images}/${image_filename}`,
      );
    }
    const path = `${folder}/CLEVR_v1.0/scenes/CLEVR_${split}_scenes.json`;
    await Deno.writeTextFile(path, JSON.stringify({ info: { split }, scenes }));
  }
}

async function makeClips(folder: string): Promise<void> {
  for (let clip = 0; clip < 4; clip++) {
    await Deno.mkdir(`${folder}/clips/${clip}`, { recursive: true });
    for (let frame = 0; frame < 8; frame++) {
      const raw = { width: 64, height: 64, channels: 3 } as const;
      await sharp(noise(64, clip, frame), { raw }).png().toFile(`${folder}/clips/${clip}/${frame}.png`);
    }
  }
}

/** Makes the folder that the commands run in; of the kit's own, it has what reproductions have kept. */
export async function makeFolder(folder: string): Promise<void> {
  await cp(fileURLToPath(new URL("../../../weights/reproduce", import.meta.url)), `${folder}/weights/reproduce`, {
    recursive: true,
  });
  for (const make of [makePhotos, makeBands, makeCifar10, makeClevr, makeClips]) await make(folder);
  await Deno.mkdir(`${folder}/made`);
  const size = { image: 224, patch: 14, width: 16, depth: 4, heads: 2, mlpRatio: 2 };
  const parameters = initialise(encoderShapes(size), 1);
  await saveEncoder(`${folder}/vit_224.safetensors`, { size, parameters });
  await saveHuggingFace(`${folder}/ijepa_vith14_1k`, { size, parameters });
  tf.dispose(parameters);
}

/** What is on the Hugging Face hub: an encoder of ViT-H/14's images and patches, and the photos as a shard for each split. */
export async function hubRepos(folder: string): Promise<Map<string, ServedRepo>> {
  const filesIn = async (dir: string) =>
    new Map(
      await Promise.all((await Array.fromAsync(Deno.readDir(dir))).map(async ({ name }) =>
        [name, await Deno.readFile(`${dir}/${name}`)] as const
      )),
    );
  const shards = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const split of ["train", "val"]) {
    const samples = new Map<string, Uint8Array>();
    for (const [label, synset] of CLASSES.entries()) {
      for (const [name, photo] of await filesIn(`${folder}/photos/${split}/${synset}`)) {
        const key = name.replace(".JPEG", "");
        samples.set(`${key}.jpg`, photo).set(`${key}.cls`, new TextEncoder().encode(`${label}`));
      }
    }
    shards.set(`${split}-000000.tar`, tarOf(samples, ""));
  }
  return new Map([
    ["models/facebook/ijepa_vith14_1k", { files: await filesIn(`${folder}/ijepa_vith14_1k`) }],
    ["datasets/owner/name", { files: shards }],
  ]);
}
