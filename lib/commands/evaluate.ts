/**
 * `deno task evaluate`: what an encoder's representations are worth by the paper's protocols, beside the same network
 * with random weights and raw pixels.
 *
 * @module
 */
import { loadClevr } from "../datasets/clevr/clevr.ts";
import { type ImageReading, readingOf } from "../datasets/pixels/cut_image.ts";
import type { ImageColours } from "../datasets/pixels/decode.ts";
import type { Framing } from "../datasets/pixels/preprocessing.ts";
import { patchDepths, type ScenesDataset } from "../datasets/scenes/scenes.ts";
import { readSubset } from "../datasets/subset.ts";
import { checkProtocols, evaluate, type EvaluationResult } from "../evaluation/evaluate.ts";
import type { DepthScenes, EvaluationData, Protocol } from "../evaluation/protocol.ts";
import { type ProtocolName, PROTOCOLS } from "../evaluation/protocols.ts";
import { disposeSubject, encoderSubject, pixelSubject, randomSubject } from "../evaluation/subjects.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import { tf } from "../tensorflow/backend.ts";
import { commandLine } from "./terminal/advice.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { evaluationBar } from "./evaluation/evaluation_bar.ts";
import { evaluationTable, publishedTables } from "./evaluation/evaluation_table.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { COLOURS, coloursOf, IMAGE_HELP, readPreprocessingFlag } from "./inputs/image_flags.ts";
import { loadWeights, WEIGHTS_HELP } from "./inputs/load_weights.ts";
import { CACHE_HELP, sideForFraming } from "./inputs/keep_images.ts";
import {
  IMAGE_FLAGS,
  type ImageFlags,
  openImages,
  PUBLISHED_HELP,
  reportSkipped,
  SKIP_HELP,
} from "./inputs/open_images.ts";
import { openScenes } from "./inputs/open_scenes.ts";
import { chosenPrecision, PRECISION_HELP, PRECISIONS } from "./terminal/precision.ts";
import { INTERRUPTED } from "./processes/exit_codes.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { onStop } from "./processes/stop_signal.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const NAMES = Object.keys(PROTOCOLS) as ProtocolName[];

const protocolOf = (name: ProtocolName): Protocol => PROTOCOLS[name];

/** Built-in scenes to fit probes to, and to measure them on. */
const SCENES = { train: 4000, test: 1000 };
/** Not that of pretraining on scenes, so that no probe is fitted to pictures that the encoder has seen. */
const SCENES_SEED = 1;

/** Passes over the images of protocols that take the longest, where all protocols are asked for. */
const IN_ALL: Partial<Record<ProtocolName, number>> = { "linear": 5, "transfer": 3, "full-finetune": 1 };

const HELP = helpText(
  "deno task evaluate --weights FILE|DIR --protocol NAME[,NAME]",
  "Evaluates an encoder beside the same network with random weights and raw pixels.",
  {
    "--weights PATH": WEIGHTS_HELP,
    "--protocol NAMES": [
      "all, or of these, with commas between:",
      Object.fromEntries(NAMES.map((name) => [name, `${PROTOCOLS[name].title} (${PROTOCOLS[name].cost})`])),
    ],
    "--data DATA":
      `cifar10 (default), cifar100, or a folder: ImageNet's, with its archives or unpacked, or one with train/
      and val/ or test/ of classes; or published files: ${PUBLISHED_HELP}`,
    "--layout LAYOUT": "splits, where train/ and val/ or test/ in that folder hold classes beyond doubt",
    "--skip-bad-images": SKIP_HELP,
    "--subset FILE": `lowshot, finetune: the labelled training images by their file names, as SimCLR's 1percent.txt`,
    "--per-class N[,N]":
      `lowshot, finetune: labels a class, drawn by the seed (default those of 1, 2, 5, 13 that each class
      has); finetune takes the most`,
    "--epochs N": `passes over the images where heads or the encoder are trained (default the protocol's own; where
      --protocol is all, ${Object.entries(IN_ALL).map(([name, epochs]) => `of ${name} ${epochs}`).join(", ")})`,
    "--clevr DIR": `count, distance: CLEVR_v1.0, instead of ${SCENES.train} and ${SCENES.test} scenes drawn here`,
    "--clevr-crop":
      `count, distance: the middle of CLEVR's pictures, as the paper's text says, not the whole of them, as its
      code's configuration does`,
    "--heads N": "attention heads, where the weights do not say",
    "--image N": "side of the images, in pixels, to which positions are interpolated",
    ...IMAGE_HELP,
    "--seed N": "what is drawn follows from it (default 0)",
    "--seeds N": "evaluates with so many seeds from there on; the table has their mean and deviation (default 1)",
    "--precision P": `${PRECISION_HELP} (default)`,
    "--subjects NAMES": `what is evaluated, with commas between: encoder, random (the same network with random weights),
      pixels (default all three)`,
    "--no-cache": "keeps no features in data/features, which holds 4 GiB of them at most",
    ...CACHE_HELP,
  },
  `Of images that --cache shrinks, squares have the bytes of those from files where the short side alone is resized,
  bicubic; the random crops of linear and finetune have less detail: for those of 224 pixels say --cache-side 800.`,
);

function parseProtocols(text: string | undefined): ProtocolName[] {
  if (text === undefined) throw new Error(`Say what to evaluate: --protocol all, or of ${NAMES.join(", ")}.`);
  const chosen = text.split(",").map((name) => oneOf<ProtocolName | "all">("protocol", name.trim(), ["all", ...NAMES]));
  return chosen.includes("all") ? NAMES : chosen.filter((name) => name !== "all");
}

/** Which protocols each flag changes something of; what none of the chosen ones heeds is refused, not dropped. */
const HEEDED: Readonly<Record<string, (protocol: Protocol) => boolean | undefined>> = {
  "data": ({ needs }) => needs === "images",
  "subset": ({ takes }) => takes?.includes("subset"),
  "per-class": ({ takes }) => takes?.includes("perClass"),
  "epochs": ({ takes }) => takes?.includes("epochs"),
  "clevr": ({ needs }) => needs === "scenes",
  "clevr-crop": ({ takes }) => takes?.includes("scenes"),
};

/** Holds that each flag that was given changes something of a chosen protocol. */
function checkHeeded(given: Readonly<Record<string, unknown>>, protocols: readonly ProtocolName[]): void {
  const defaults: Readonly<Record<string, { type: string; default?: unknown }>> = COMMAND.options;
  for (const [flag, heeds] of Object.entries(HEEDED)) {
    if (given[flag] === defaults[flag].default || protocols.some((name) => heeds(protocolOf(name)))) continue;
    const heeding = NAMES.filter((name) => heeds(protocolOf(name))).join(", ");
    throw new Error(
      `--${flag} changes nothing of ${protocols.join(", ")}: leave it out, or evaluate by one of ${heeding}.`,
    );
  }
}

/** Holds that protocols can be evaluated of an encoder of images that have no colours. */
function checkWithoutColours(weights: string, channels: number, protocols: readonly ProtocolName[]): void {
  const needsColours = (name: ProtocolName) => protocolOf(name).colours;
  const left = protocols.filter(needsColours);
  if (left.length === 0) return;
  throw new Error(
    `${weights} takes images of ${channels} channels, and ${left.join(", ")} need(s) colours: take --protocol ` +
      `${NAMES.filter((name) => !needsColours(name)).join(",")}, or some of these.`,
  );
}

/** Those of an encoder whose predictor is told no transformations: where one was named that asks it, an error says so. */
function withoutTransformations(weights: string, protocols: ProtocolName[], all: boolean): ProtocolName[] {
  const asking = protocols.filter((name) => protocolOf(name).transformations);
  if (!all && asking.length > 0) {
    throw new Error(
      `${weights} is no image world model, whose predictor is told transformations: leave ${
        asking.join(", ")
      } out of ` +
        `--protocol, or train one: ${commandLine("pretrain", "--preset", "iwm-cifar10")}`,
    );
  }
  return protocols.filter((name) => !asking.includes(name));
}

const SUBJECTS = ["encoder", "random", "pixels"] as const;

function parseSubjects(text: string): (typeof SUBJECTS[number])[] {
  return text.split(",").map((name) => oneOf("subjects", name.trim(), SUBJECTS));
}

/** CLEVR, or scenes of the encoder's size. */
async function openPictures(
  { image, patch }: EncoderSize,
  clevr: string | undefined,
  colours: ImageColours,
): Promise<Required<EvaluationData>["scenes"]> {
  if (clevr !== undefined) {
    const [train, test] = [await loadClevr(clevr, "train", { colours }), await loadClevr(clevr, "val", { colours })];
    return { train: { dataset: train }, test: { dataset: test } };
  }
  const { train, test } = await openScenes({ ...SCENES, size: image, seed: SCENES_SEED });
  const withDepths = (dataset: ScenesDataset): DepthScenes => ({
    dataset,
    depths: patchDepths(dataset.scenes, image / patch),
  });
  return { train: withDepths(train), test: withDepths(test) };
}

/** Labelled images, to train on and to test on. */
async function openLabelled(
  data: string,
  flags: ImageFlags,
  framing: Framing,
  colours: ImageReading,
): Promise<Required<EvaluationData>["images"]> {
  const { train, test } = await openImages(data, flags, sideForFraming(framing), colours);
  if (!test) throw new Error(`${data} has no images to test on: it takes a test/ or val/ folder beside train/.`);
  return { train, test };
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "protocol": { type: "string", values: ["all", ...NAMES] },
    "data": { type: "string", default: "cifar10", values: "folder" },
    "subset": { type: "string", values: "file" },
    "per-class": { type: "string" },
    "epochs": { type: "string" },
    "clevr": { type: "string", values: "folder" },
    "clevr-crop": { type: "boolean", default: false },
    "heads": { type: "string" },
    "image": { type: "string" },
    "preprocessing": { type: "string", values: "file" },
    "colours": { type: "string", default: "managed", values: COLOURS },
    "seed": { type: "string", default: "0" },
    "seeds": { type: "string", default: "1" },
    "precision": { type: "string", default: "auto", values: PRECISIONS },
    "subjects": { type: "string", default: SUBJECTS.join(","), values: SUBJECTS },
    ...IMAGE_FLAGS,
    "no-cache": { type: "boolean", default: false },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const { weights, data: dataName, clevr } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  const asked = parseProtocols(flags.protocol), all = asked === NAMES;
  const askedPrecision = oneOf("precision", flags.precision, PRECISIONS);
  const colours = coloursOf(flags.colours), chosen = parseSubjects(flags.subjects);
  const whole = (name: "epochs" | "heads" | "image" | "seed" | "seeds", least = 1) =>
    numberOf(name, flags[name], { integer: true, least });
  const seed = whole("seed", 0)!, seeds = whole("seeds")!, epochs = whole("epochs");
  const heads = whole("heads"), image = whole("image");
  const perClass = flags["per-class"]?.split(",").map((text) =>
    numberOf("per-class", text, { integer: true, least: 1 })!
  );
  checkHeeded(flags, asked);
  if (clevr !== undefined && !all && asked.includes("depth")) {
    throw new Error("CLEVR does not say the depth of each patch: leave depth out of --protocol, or --clevr.");
  }
  const choosePreprocessing = await readPreprocessingFlag(flags.preprocessing);

  await setUpTensorFlow();
  const { predictor, ...loaded } = await loadWeights(weights, { heads, image });
  const told = predictor?.size.conditions === undefined ? undefined : predictor;
  if (!told) tf.dispose(predictor?.parameters ?? {});
  const possible = told ? asked : withoutTransformations(weights, asked, all);
  // Of CLEVR, depth has been refused where it was named.
  const protocols = clevr === undefined ? possible : possible.filter((name) => name !== "depth");
  const encoder = { ...loaded, predictor: told, preprocessing: choosePreprocessing(weights, loaded) };
  const reading = readingOf(encoder.size.channels, colours);
  if (typeof reading === "number") checkWithoutColours(weights, reading, protocols);
  const precision = await chosenPrecision(askedPrecision, encoder.size.width);
  const [ofImages, ofScenes] = (["images", "scenes"] as const).map((what) =>
    protocols.filter((name) => PROTOCOLS[name].needs === what)
  );
  const images = ofImages.length > 0 ? await openLabelled(dataName, flags, encoder.preprocessing, reading) : undefined;
  let subset: Uint32Array | undefined;
  if (flags.subset !== undefined) {
    if (!images?.train.paths) throw new Error(`--subset names files, but the images of ${dataName} are none.`);
    subset = await readSubset(flags.subset, images.train.paths);
  }
  checkProtocols(ofImages, { images }, { perClass, subset });
  const drawn = ofScenes.length > 0 ? await openPictures(encoder.size, clevr, colours) : undefined;
  checkProtocols(ofScenes, { scenes: drawn });

  const bar = evaluationBar(seeds * protocols.length * chosen.length);
  const { onStage, onProgress } = bar;
  const options = { precision, cache: flags["no-cache"] ? undefined : "data/features", onProgress };
  const subject = encoderSubject("encoder", encoder, options), pixels = pixelSubject(encoder.size);
  const results: EvaluationResult[] = [];
  const report = async () => {
    if (results.length === 0) return;
    console.log(evaluationTable(results));
    console.log("\n" + publishedTables(protocols, dataName));
    const about = {
      ...{ weights, seed, seeds, precision, preprocessing: encoder.preprocessing, colours: reading },
      data: images && { train: images.train.name, test: images.test.name },
      scenes: drawn && { train: drawn.train.dataset.name, test: drawn.test.dataset.name },
    };
    await tell({ ...about, results });
  };
  // What was measured before is lost neither by an error nor by Ctrl-C.
  let stopping = false;
  const unlisten = onStop(async () => {
    if (stopping) return; // one Ctrl-C may come as several signals
    stopping = true;
    bar.stop();
    await report();
    console.error(`Stopped: ${results.length} results of before are told, nothing of what was under way.`);
    Deno.exit(INTERRUPTED);
  });
  let failure: unknown;
  try {
    for (let s = seed; s < seed + seeds; s++) {
      const random = randomSubject(encoder, s, options);
      try {
        for (const protocol of protocols) {
          const subjects = { encoder: subject, random, pixels };
          await evaluate(chosen.map((name) => subjects[name]), [protocol], { images, scenes: drawn }, {
            ...{ seed: s, perClass, subset, precision, epochs: epochs ?? (all ? IN_ALL[protocol] : undefined) },
            scenes: flags["clevr-crop"] ? "centred" : "whole",
            ...{ onStage, onProgress },
            onResult: (result) => results.push(result),
          });
        }
      } finally {
        disposeSubject(random);
      }
    }
  } catch (error) {
    failure = error;
  } finally {
    unlisten();
    bar.stop();
    disposeSubject(subject);
  }
  await report();
  if (images) reportSkipped(images.train, images.test);
  if (failure) throw failure;
  if (clevr !== undefined && all) {
    console.log("No depth: CLEVR does not say it patch by patch.");
  }
}

if (import.meta.main) await runCommand(main);
