/**
 * Tables 6 to 14 of the paper (Assran et al., CVPR 2023): what each varies, at the paper's scale and at a scale that two
 * cores can train.
 *
 * @module
 */
import type { PublishedTable } from "../evaluation/published.ts";
import * as paper from "../evaluation/published.ts";
import type { PRESETS } from "../jepa/pretraining/presets.ts";
import type { Changes } from "./step.ts";

/** One row: a configuration that is trained. */
export interface AblationSetting {
  /** As the table names it. */
  name: string;
  /** Name of the run. Tables share the runs that are alike: that of "base" changes nothing. */
  run: string;
  /** What it changes of its scale's base. */
  set: Changes;
  /** The paper's number for it, in percent; where there is none the setting is between, or beside, the paper's. */
  published?: number;
}

/** A table that compares some settings of pretraining. */
export interface AblationTable {
  /** Which of the kinds of items it is. */
  kind: "ablation";
  /** What it varies. */
  title: string;
  /** What the paper concludes. */
  claim: string;
  /** Where the paper's numbers are from. */
  source: PublishedTable;
  /** Whether the settings are kinds, which have no order of their own. */
  kinds: boolean;
  /** The paper's: a preset, what all its settings change of it, and how they are evaluated. */
  paper: {
    preset: keyof typeof PRESETS;
    base: Changes;
    settings: readonly AblationSetting[];
    protocol: "lowshot" | "finetune";
  };
  /** Changes of the preset cifar10-ablations. */
  small: readonly AblationSetting[];
}

const BASE = { run: "base", set: {} } as const;

/** Three times as long: what neither targets nor the predictor's depth show before. */
const LONG = { run: "base-long", set: { epochs: 12 } } as const;

/** The sampler of the small runs, which fits the context's length to the targets where none is given. */
const blocks = (options: Record<string, unknown>): Changes => ({ masks: { sampler: "multiBlock", ...options } });

const row = (name: string, run: string, set: Changes, published?: number): AblationSetting => ({
  ...{ name, run, set },
  ...published === undefined ? {} : { published },
});

/** A paper's setting whose run is named after the table's number. */
const published = (
  { results }: PublishedTable,
  names: readonly string[],
  changes: readonly Changes[],
  runs: readonly string[],
): AblationSetting[] => results.map(({ accuracy }, i) => row(names[i], runs[i], changes[i], accuracy));

const range = (low: number, high: number) => [low, high] as const;

/** By name. */
export const ABLATIONS = {
  table6: {
    kind: "ablation",
    title: "Masking strategies",
    claim: "Several large target blocks and one context beat rasterized, block and random masks by far.",
    source: paper.TABLE_6,
    kinds: true,
    paper: {
      preset: "imagenet-b16",
      base: { epochs: 300 },
      protocol: "lowshot",
      settings: published(
        paper.TABLE_6,
        ["multi-block", "rasterized", "one block", "random"],
        [{}, ...["rasterizedQuadrants", "singleBlock", "random"].map((sampler) => ({ masks: { sampler } }))],
        ["base", "rasterized", "single-block", "random"],
      ),
    },
    small: [
      row("multi-block", BASE.run, BASE.set, 54.2),
      row("rasterized", "rasterized", { masks: { sampler: "rasterizedQuadrants" } }, 15.5),
      row("one block", "single-block", { masks: { sampler: "singleBlock" } }, 20.2),
      row("random", "random", { masks: { sampler: "random" } }, 17.6),
    ],
  },
  table7: {
    kind: "ablation",
    title: "Targets: representations or pixels",
    claim: "Predicting representations beats predicting pixels.",
    source: paper.TABLE_7,
    kinds: true,
    paper: {
      preset: "imagenet-l16",
      base: {},
      protocol: "lowshot",
      settings: published(paper.TABLE_7, ["representations", "pixels"], [{ epochs: 500 }, {
        epochs: 800,
        targets: "pixels",
      }], ["base-500", "pixels"]),
    },
    small: [
      row("representations", LONG.run, LONG.set, 66.9),
      row("pixels", "pixels-long", { ...LONG.set, targets: "pixels" }, 40.7),
    ],
  },
  table8: {
    kind: "ablation",
    title: "Size of the target blocks (of the image; at small scale in patches)",
    claim: "Target blocks should be large, but not so large that little context is left.",
    source: paper.TABLE_8,
    kinds: false,
    paper: {
      preset: "imagenet-b16",
      base: { epochs: 300 },
      protocol: "lowshot",
      settings: published(
        paper.TABLE_8,
        [".075–.2", ".1–.2", ".125–.2", ".15–.2", ".2–.25", ".2–.3"],
        [range(0.075, 0.2), range(0.1, 0.2), range(0.125, 0.2), undefined, range(0.2, 0.25), range(0.2, 0.3)].map((
          scale,
        ) => scale ? { "masks.targetScale": scale } : {}),
        ["target-0.075-0.2", "target-0.1-0.2", "target-0.125-0.2", "base", "target-0.2-0.25", "target-0.2-0.3"],
      ),
    },
    // On 8 x 8 patches one of the paper's ranges holds one or two shapes: here the size itself varies.
    small: [
      row("2 x 2", "target-2x2", blocks({ targetScale: [0.06, 0.07] })),
      row("3 x 4", BASE.run, BASE.set, 54.2),
      row("4 x 5", "target-4x5", blocks({ targetScale: [0.3, 0.32] })),
    ],
  },
  table9: {
    kind: "ablation",
    title: "Size of the context block",
    claim: "The context should be large.",
    source: paper.TABLE_9,
    kinds: false,
    paper: {
      preset: "imagenet-b16",
      base: { epochs: 300 },
      protocol: "lowshot",
      settings: published(
        paper.TABLE_9,
        [".4–1", ".65–1", ".75–1", ".85–1"],
        [0.4, 0.65, 0.75, 0.85].map((least) => least === 0.85 ? {} : { "masks.contextScale": range(least, 1) }),
        ["context-0.4-1", "context-0.65-1", "context-0.75-1", "base"],
      ),
    },
    small: [
      row(".4–1", "context-0.4-1", blocks({ contextScale: [0.4, 1] }), 31.2),
      row(".65–1", "context-0.65-1", blocks({ contextScale: [0.65, 1] }), 47.1),
      row(".85–1", BASE.run, BASE.set, 54.2),
    ],
  },
  table10: {
    kind: "ablation",
    title: "Number of target blocks",
    claim: "Four target blocks beat fewer.",
    source: paper.TABLE_10,
    kinds: false,
    paper: {
      preset: "imagenet-b16",
      base: { epochs: 300 },
      protocol: "lowshot",
      settings: published(
        paper.TABLE_10,
        ["1", "2", "3", "4"],
        [1, 2, 3, 4].map((count) => count === 4 ? {} : { "masks.blocks": count }),
        ["blocks-1", "blocks-2", "blocks-3", "base"],
      ),
    },
    small: [
      row("1", "blocks-1", blocks({ blocks: 1 }), 9.0),
      row("2", "blocks-2", blocks({ blocks: 2 }), 22.0),
      row("4", BASE.run, BASE.set, 54.2),
    ],
  },
  table11: {
    kind: "ablation",
    title: "Where targets are masked: the target encoder's output or its input",
    claim: "Masking the target encoder's output beats masking its input.",
    source: paper.TABLE_11,
    kinds: true,
    paper: {
      preset: "imagenet-h14",
      base: { "architecture.patch": 16 },
      protocol: "lowshot",
      settings: published(paper.TABLE_11, ["output", "input"], [{}, { targets: "maskedInput" }], [
        "base-h16",
        "masked-input",
      ]),
    },
    small: [
      row("output", BASE.run, BASE.set, 67.3),
      row("input", "masked-input", { targets: "maskedInput" }, 56.1),
    ],
  },
  table12: {
    kind: "ablation",
    title: "Depth of the predictor",
    claim: "A deeper predictor is better.",
    source: paper.TABLE_12,
    kinds: false,
    paper: {
      preset: "imagenet-l16",
      base: { epochs: 500 },
      protocol: "lowshot",
      settings: published(
        paper.TABLE_12,
        ["6", "12"],
        [{ "architecture.predictor.depth": 6 }, {}],
        ["predictor-depth-6", "base-500"],
      ),
    },
    small: [
      row("1", "predictor-depth-1-long", { ...LONG.set, "architecture.predictor.depth": 1 }),
      row("2", LONG.run, LONG.set),
    ],
  },
  table13: {
    kind: "ablation",
    title: "Weight decay",
    claim:
      "A weight decay that grows is better for linear evaluation, a small one for fine-tuning on 1 % of the labels.",
    source: paper.TABLE_13_LOW_SHOT,
    kinds: true,
    paper: {
      preset: "imagenet-l16",
      base: {},
      protocol: "finetune",
      settings: published(
        paper.TABLE_13_LOW_SHOT,
        ["0.04 to 0.4", "0.05"],
        [{}, { weightDecay: { start: 0.05, final: 0.05 } }],
        ["base-600", "weight-decay-0.05"],
      ),
    },
    small: [
      row("0.04 to 0.4", BASE.run, BASE.set, 69.4),
      row("0.05", "weight-decay-0.05", { weightDecay: { start: 0.05, final: 0.05 } }, 70.7),
    ],
  },
  table14: {
    kind: "ablation",
    title: "Width of the predictor (the encoder's: 1024; at small scale 128)",
    claim: "A predictor narrower than the encoder is better.",
    source: paper.TABLE_14,
    kinds: false,
    paper: {
      preset: "imagenet-l16",
      base: { weightDecay: { start: 0.05, final: 0.05 } },
      protocol: "finetune",
      settings: published(
        paper.TABLE_14,
        ["384", "1024"],
        [{}, { "architecture.predictor.width": 1024 }],
        ["weight-decay-0.05", "predictor-width-1024"],
      ),
    },
    small: [
      row("64 (half)", BASE.run, BASE.set, 70.7),
      row("128 (all)", "predictor-width-128", { "architecture.predictor.width": 128 }, 68.4),
    ],
  },
} as const satisfies Record<string, AblationTable>;
