/**
 * Figures 1 to 8 of the paper (Assran et al., CVPR 2023): what each shows, and the commands that draw it here.
 *
 * @module
 */
import { architecturesFigure, methodFigure } from "../figures/diagrams.ts";
import type { Figure } from "../figures/figure.ts";
import { preset as jepaPreset } from "../jepa/pretraining/presets.ts";
import { planAblation, runFolder } from "./ablation_plan.ts";
import { ABLATIONS } from "./ablations.ts";
import { FOLDER, type Missing, missingData, type Plan, type Step } from "./step.ts";

/** What a figure's plan depends on. */
export interface FigureOptions {
  scale: "small" | "paper";
  /** Images, for the paper's scale. */
  data?: string;
  /** An encoder with its predictor, for the paper's scale. */
  weights?: string;
}

/** A figure that is made of pictures. */
export interface PaperFigure {
  /** Which of the kinds of items it is. */
  kind: "figure";
  /** What it shows. */
  title: string;
  /** What the paper concludes. */
  claim: string;
  /** The commands that make it; absent of a drawing. */
  plan?(name: string, options: FigureOptions): Plan;
  /** A drawing, of which nothing is computed. */
  draw?(): Figure;
}

/** Pictures that decoding commands draw. */
const ROWS = "6";

const missingOf = ({ data, weights }: FigureOptions): Missing => [
  ...missingData(data),
  ...weights === undefined ? [{ option: "weights", what: "the published encoder with its predictor (.pth.tar)" }] : [],
];

const decoded = (weights: string, images: string, out: string, picture: string, more: string[] = []): Step => ({
  task: "decode",
  args: ["--weights", weights, "--images", images, "--rows", ROWS, ...more, "--out", out],
  makes: `${out}/interpolation.png`, // the last of its pictures
  picture: `${out}/${picture}.png`,
  cost: "a minute",
});

const decoder = (weights: string, out: string, more: string[], cost: string): Step => ({
  task: "train-decoder",
  args: ["--weights", weights, ...more, "--out", out, "--measure", "0"],
  makes: `${out}/decoder.safetensors`,
  trains: out,
  cost,
});

/** The run that all ablations share, whose encoder and predictor are needed here. */
function baseRun(): Step {
  const { onlyFor: _, ...run } = planAblation(ABLATIONS.table6, { scale: "small", seeds: 1 }).steps[0];
  return run;
}

/** Samples for average-pooled representations of images, by the decoder that ships or by one trained for it. */
function planSamples(name: string, options: FigureOptions): Plan {
  const out = `${FOLDER}/${options.scale}/${name}`;
  if (options.scale === "small") {
    return { steps: [decoded("weights/cifar10", "cifar10", out, "samples")], missing: [] };
  }
  const { data = "IN", weights = "W" } = options, trained = `${out}/decoder`;
  return {
    steps: [
      decoder(weights, trained, ["--data", data], "days of a GPU"),
      decoded(weights, `${data}/val`, out, "samples", ["--decoder", trained]),
    ],
    missing: missingOf(options),
  };
}

/** Samples for what the predictor says of a block, by a decoder that was trained on predictions, as the paper's was. */
function planPredictions(name: string, options: FigureOptions): Plan {
  const out = `${FOLDER}/${options.scale}/${name}`, trained = `${out}/decoder`, small = options.scale === "small";
  const base = ABLATIONS.table6.small[0].run, encoder = runFolder("small", base, 0);
  const weights = small ? encoder : options.weights ?? "W", data = small ? "cifar10" : options.data ?? "IN";
  const before = small ? [baseRun()] : [];
  const own = small ? ["--epochs", "0.5"] : ["--data", data];
  const cost = small ? "some minutes" : "days of a GPU";
  return {
    steps: [
      ...before,
      decoder(weights, trained, ["--of", "predictions", ...own], cost),
      {
        ...decoded(weights, small ? "cifar10" : `${data}/val`, out, "predictions", ["--prediction-decoder", trained]),
        makes: `${out}/predictions.png`,
      },
    ],
    missing: small ? [] : missingOf(options),
  };
}

/** Figure 7 of a joint-embedding method. */
function planOther(name: string, options: FigureOptions): Plan {
  const { scale } = options, out = `${FOLDER}/${scale}/${name}`, small = scale === "small";
  const run = `${out}/encoder`, trained = `${out}/decoder`, data = small ? "cifar10" : options.data ?? "IN";
  return {
    steps: [
      {
        task: "pretrain",
        args: [
          ...["--preset", small ? "vicreg-cifar10" : "dino-imagenet-s16", "--data", data],
          ...["--out", run, "--no-eval", "--monitor", "0"],
        ],
        makes: `${run}/encoder.safetensors`,
        trains: run,
        cost: small ? "minutes" : "days of a GPU",
      },
      decoder(
        run,
        trained,
        ["--data", data, ...small ? ["--epochs", "1"] : []],
        small ? "a quarter of an hour" : "days",
      ),
      decoded(run, small ? "cifar10" : `${data}/val`, out, "samples", ["--decoder", trained]),
    ],
    missing: small ? [] : missingData(options.data),
  };
}

/** The masks of a run's first step: of the base that all small runs begin with, or of the paper's ViT-H/14. */
function planMasks(_name: string, options: FigureOptions): Plan {
  const small = options.scale === "small";
  if (small) {
    const run = baseRun();
    return { steps: [{ ...run, makes: `${run.trains}/masks.png` }], missing: [] };
  }
  const trains = `${FOLDER}/paper/imagenet-h14`, { data = "IN" } = options;
  return {
    steps: [{
      task: "pretrain",
      args: ["--preset", "imagenet-h14", "--data", data, "--out", trains, "--no-eval"],
      makes: `${trains}/masks.png`,
      trains,
      config: jepaPreset("imagenet-h14"),
    }],
    missing: missingData(options.data),
  };
}

/** By name; figures 1 and 5 are in compute.ts. */
export const PAPER_FIGURES = {
  figure2: {
    kind: "figure",
    title: "Joint-embedding, generative and joint-embedding predictive architectures",
    claim: "I-JEPA predicts a representation from a representation.",
    draw: architecturesFigure,
  },
  figure3: {
    kind: "figure",
    title: "The method",
    claim: "One context block predicts several target blocks; the target encoder is a moving average.",
    draw: methodFigure,
  },
  figure4: {
    kind: "figure",
    title: "Examples of context and target blocks",
    claim: "Targets are large, the context is informative and holds none of them.",
    plan: planMasks,
  },
  figure6: {
    kind: "figure",
    title: "What the predictor's output holds",
    claim: "Samples share the part and its pose, not its exact place or background.",
    plan: planPredictions,
  },
  figure7: {
    kind: "figure",
    title: "What the target encoder's average holds",
    claim: "Samples share high-level layout and objects, not details.",
    plan: planSamples,
  },
  figure8: {
    kind: "figure",
    title: "The same for a method with view augmentations",
    claim: "Its samples share less of the layout than I-JEPA's.",
    plan: planOther,
  },
} as const satisfies Record<string, PaperFigure>;
