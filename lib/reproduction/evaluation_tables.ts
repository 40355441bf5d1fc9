/**
 * Tables 1 to 5 and 15 of the paper (Assran et al., CVPR 2023): published or own encoders by the paper's protocols, and
 * what ships with the kit by the same protocols on the data that can be had.
 *
 * @module
 */
import type { ProtocolName } from "../evaluation/protocols.ts";
import type { PublishedTable } from "../evaluation/published.ts";
import * as paper from "../evaluation/published.ts";
import { preset, type PRESETS } from "../jepa/pretraining/presets.ts";
import { FOLDER, type Missing, type Plan, type Step } from "./step.ts";

/** Options of `reproduce` that say where the paper's data is. */
export const DATA_OPTIONS = {
  data: "ImageNet's folder",
  imagenet22k: "a folder of ImageNet-22k's images",
  subset: "SimCLR's list of 1 % of the labels, 1percent.txt",
  places205: "a folder of Places205 with train/ and val/ of classes",
  inat18: "a folder of iNaturalist 2018 with train/ and val/ of classes",
  clevr: "CLEVR_v1.0",
} as const;

/** Where they are. */
export type DataPaths = { [option in keyof typeof DATA_OPTIONS]?: string };

/** One evaluation of the table. */
export interface Evaluation {
  /** The paper's table, or a column of it. */
  published: PublishedTable;
  /** Which. */
  protocol: ProtocolName;
  /** The measure of the protocol that it is held against, where it has several. */
  measure?: string;
  /** Options of `evaluate`; a name in braces is where that data is, {data} ImageNet. */
  args: readonly string[];
}

/** A table that evaluates encoders. */
export interface EvaluationTable {
  /** Which of the kinds of items it is. */
  kind: "evaluation";
  /** What it shows. */
  title: string;
  /** What the paper concludes. */
  claim: string;
  /** Evaluated at the paper's scale: where no weights are given, each is pretrained first. */
  presets: readonly { preset: keyof typeof PRESETS; method: string }[];
  evaluations: readonly Evaluation[];
  /** With the kit's own weights; absent where nothing can stand for it. */
  small?: { weights: string; evaluations: readonly Evaluation[]; note: string };
}

/** By name. */
export const EVALUATION_TABLES = {
  table1: {
    kind: "evaluation",
    title: "Linear evaluation on ImageNet-1k",
    claim: "I-JEPA beats methods without view augmentations, and at scale those with them.",
    presets: [
      { preset: "imagenet-b16", method: "I-JEPA ViT-B/16, 600 epochs" },
      { preset: "imagenet-l16", method: "I-JEPA ViT-L/16, 600 epochs" },
      { preset: "imagenet-h14", method: "I-JEPA ViT-H/14, 300 epochs" },
      { preset: "imagenet-h16-448", method: "I-JEPA ViT-H/16 at 448, 300 epochs" },
    ],
    evaluations: [{ published: paper.TABLE_1, protocol: "linear", args: ["--data", "{data}"] }],
    small: {
      weights: "weights/cifar10",
      note: "CIFAR-10, 5 of the 50 epochs",
      evaluations: [{ published: paper.TABLE_1, protocol: "linear", args: ["--data", "cifar10", "--epochs", "5"] }],
    },
  },
  table2: {
    kind: "evaluation",
    title: "1 % of ImageNet-1k's labels",
    claim: "I-JEPA needs fewer labels than MAE, with fewer epochs of pretraining.",
    presets: [
      { preset: "imagenet-l16", method: "I-JEPA ViT-L/16, 600 epochs" },
      { preset: "imagenet-h14", method: "I-JEPA ViT-H/14, 300 epochs" },
      { preset: "imagenet-h16-448", method: "I-JEPA ViT-H/16 at 448, 300 epochs" },
    ],
    evaluations: [{
      published: paper.TABLE_2,
      protocol: "finetune",
      args: ["--data", "{data}", "--subset", "{subset}"],
    }],
    small: {
      weights: "weights/cifar10",
      note: "CIFAR-10, 13 labels a class, as 1 % of ImageNet has",
      evaluations: [{
        published: paper.TABLE_2,
        protocol: "finetune",
        args: ["--data", "cifar10", "--per-class", "13"],
      }],
    },
  },
  table3: {
    kind: "evaluation",
    title: "Linear transfer to other images",
    claim: "I-JEPA's features transfer better than those of methods without view augmentations.",
    presets: [{ preset: "imagenet-h14", method: "I-JEPA ViT-H/14" }],
    evaluations: [
      { published: paper.TABLE_3_CIFAR100, protocol: "transfer", args: ["--data", "cifar100"] },
      { published: paper.TABLE_3_PLACES205, protocol: "transfer", args: ["--data", "{places205}"] },
      { published: paper.TABLE_3_INAT18, protocol: "transfer", args: ["--data", "{inat18}"] },
    ],
    small: {
      weights: "weights/cifar10",
      note: "CIFAR-100, 3 of the 28 epochs",
      evaluations: [{
        published: paper.TABLE_3_CIFAR100,
        protocol: "transfer",
        args: ["--data", "cifar100", "--epochs", "3"],
      }],
    },
  },
  table4: {
    kind: "evaluation",
    title: "Counting and distance in CLEVR's pictures",
    claim: "I-JEPA holds more of what is low in an image than methods that are invariant to views.",
    presets: [{ preset: "imagenet-h14", method: "I-JEPA ViT-H/14" }],
    evaluations: [
      { published: paper.TABLE_4_COUNT, protocol: "count", args: ["--clevr", "{clevr}"] },
      { published: paper.TABLE_4_DISTANCE, protocol: "distance", args: ["--clevr", "{clevr}"] },
    ],
    small: {
      weights: "weights/cifar10",
      note: "scenes drawn here",
      evaluations: [
        { published: paper.TABLE_4_COUNT, protocol: "count", args: [] },
        { published: paper.TABLE_4_DISTANCE, protocol: "distance", args: [] },
      ],
    },
  },
  table5: {
    kind: "evaluation",
    title: "Pretraining on more images and a larger network (ImageNet-22k)",
    claim: "Transfer gains from more images, and ViT-G/16 from its size.",
    presets: [
      { preset: "imagenet-h14", method: "I-JEPA ViT-H/14, ImageNet-1k" },
      { preset: "imagenet22k-h14", method: "I-JEPA ViT-H/14, ImageNet-22k" },
      { preset: "imagenet22k-g16", method: "I-JEPA ViT-G/16, ImageNet-22k" },
    ],
    evaluations: [
      { published: paper.TABLE_5_CIFAR100, protocol: "transfer", args: ["--data", "cifar100"] },
      { published: paper.TABLE_5_PLACES205, protocol: "transfer", args: ["--data", "{places205}"] },
      { published: paper.TABLE_5_INAT18, protocol: "transfer", args: ["--data", "{inat18}"] },
      { published: paper.TABLE_5_COUNT, protocol: "count", args: ["--clevr", "{clevr}"] },
      { published: paper.TABLE_5_DISTANCE, protocol: "distance", args: ["--clevr", "{clevr}"] },
    ],
  },
  table15: {
    kind: "evaluation",
    title: "Full fine-tuning on ImageNet-1k",
    claim: "I-JEPA comes near MAE with a fifth of the epochs.",
    presets: [{ preset: "imagenet-h16-448", method: "I-JEPA ViT-H/16 at 448" }],
    evaluations: [{
      published: paper.TABLE_15,
      protocol: "full-finetune",
      args: ["--data", "{data}", "--image", "448"],
    }],
    small: {
      weights: "weights/cifar10",
      note: "CIFAR-10, 1 of the 50 epochs",
      evaluations: [{
        published: paper.TABLE_15,
        protocol: "full-finetune",
        args: ["--data", "cifar10", "--epochs", "1"],
      }],
    },
  },
} as const satisfies Record<string, EvaluationTable>;

/** What is evaluated in one row of the table, and the file of each of its evaluations. */
export interface EvaluatedWeights {
  weights: string;
  /** The row of the published tables it is held against; undefined where it stands for none. */
  method?: string;
  files: readonly { evaluation: Evaluation; file: string }[];
}

/** What a plan depends on. */
export interface EvaluationOptions extends DataPaths {
  scale: "small" | "paper";
  seeds: number;
  /** Weights to evaluate instead of pretraining, such as the authors' vit_huge file. */
  weights?: string;
}

/** A whole path as one name: of two runs' encoder.safetensors, each has results of its own. */
const named = (path: string) =>
  path.replace(/\/+$/, "").replace(/\.(safetensors|pth\.tar|pth)$/, "").replace(/^\.?\/+/, "").replaceAll("/", "-");

/** The rows at a scale, with where their evaluations are kept. */
export function evaluatedWeights(name: string, table: EvaluationTable, options: EvaluationOptions): EvaluatedWeights[] {
  const own = options.weights;
  const repeated = options.seeds > 1 ? `-${options.seeds}-seeds` : "";
  const evaluations = options.scale === "small" ? table.small?.evaluations ?? [] : table.evaluations;
  const rows: { weights: string; method?: string; key: string }[] = own !== undefined
    ? [{ weights: own, key: named(own) }]
    : options.scale === "small"
    ? table.small ? [{ weights: table.small.weights, key: table.small.weights.split("/").at(-1)! }] : []
    : table.presets.map(({ preset, method }) => {
      return { weights: `${FOLDER}/paper/${preset}`, method, key: preset };
    });
  return rows.map(({ weights, method, key }) => ({
    weights,
    method,
    files: evaluations.map((evaluation, i) => ({
      evaluation,
      file: `${FOLDER}/${options.scale}/${name}/${key}-${i + 1}-${evaluation.protocol}${repeated}.json`,
    })),
  }));
}

/** What an evaluation table takes at a scale. */
export function planEvaluations(name: string, table: EvaluationTable, options: EvaluationOptions): Plan {
  const missing = new Map<string, string>(), steps: Step[] = [];
  const need = (option: keyof typeof DATA_OPTIONS) => missing.set(option, DATA_OPTIONS[option]);
  const rows = evaluatedWeights(name, table, options);
  if (rows.length === 0) missing.set("weights", "the authors' published weights, or a run's folder");
  if (options.scale === "paper" && options.weights === undefined) {
    for (const { preset: pretrained } of table.presets) {
      const source = pretrained.startsWith("imagenet22k") ? "imagenet22k" : "data";
      const trains = `${FOLDER}/paper/${pretrained}`, data = options[source] ?? source.toUpperCase();
      if (options[source] === undefined) need(source);
      steps.push({
        task: "pretrain",
        args: ["--preset", pretrained, "--data", data, "--out", trains, "--no-eval"],
        makes: `${trains}/encoder.safetensors`,
        trains,
        config: preset(pretrained),
      });
    }
  }
  for (const { weights, files } of rows) {
    for (const { evaluation: { protocol, args }, file } of files) {
      const filled = args.map((arg) => {
        const option = /^\{(\w+)\}$/.exec(arg)?.[1] as keyof typeof DATA_OPTIONS | undefined;
        if (option === undefined) return arg;
        if (options[option] === undefined) need(option);
        return options[option] ?? option.toUpperCase();
      });
      steps.push({
        task: "evaluate",
        args: ["--weights", weights, "--protocol", protocol, ...filled, "--seeds", `${options.seeds}`, "--json", file],
        makes: file,
      });
    }
  }
  return { steps, missing: Array.from(missing, ([option, what]) => ({ option, what })) satisfies Missing };
}
