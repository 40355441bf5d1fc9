/**
 * What an evaluation is: a function of what is evaluated and of the images, which gives numbers.
 *
 * @module
 */
import type { CountedDataset } from "../datasets/clevr/clevr_tasks.ts";
import type { Dataset } from "../datasets/dataset.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import type { PublishedTable } from "./published.ts";
import type { LinearView, Subject } from "./subjects.ts";

/** Pictures of scenes whose depths are known patch by patch. */
export interface DepthScenes {
  /** The pictures. */
  dataset: CountedDataset;
  /** float32 [N, grid * grid], mean depth in each patch; undefined where the data does not say (CLEVR itself). */
  depths?: Float32Array<ArrayBuffer>;
}

/** The images to evaluate on; those that no evaluation needs can be left out. */
export interface EvaluationData {
  /** Labelled, to fit probes to and to measure them on, with the same classes. */
  images?: { train: Dataset; test: Dataset };
  /** For count, distance and depth. */
  scenes?: { train: DepthScenes; test: DepthScenes };
}

/** What a protocol can be told. */
export interface ProtocolOptions {
  /** Draws, first weights and orders follow from it. Default 0. */
  seed?: number;
  /**
   * Labels a class of the low-shot evaluations. Default those of 1, 2, 5 and 13 that each class has; 13 is what 1 % of
   * ImageNet's labels are.
   */
  perClass?: readonly number[];
  /** Indices of the labelled training images for low-shot evaluations, instead of drawn ones. */
  subset?: Uint32Array;
  /** Passes over the images where heads or the encoder are trained. Default the protocol's own. */
  epochs?: number;
  /** "centred" takes the middle three quarters of CLEVR's pictures, as the paper's text says. Default "whole". */
  scenes?: LinearView["framing"];
  /** What matrix products compute in where an encoder is trained. Default "float32". */
  precision?: Precision;
  /** Told what is being done. */
  onStage?: (stage: string) => void;
  /** Told, where something is trained or compared, how many images are done, and how many these are. */
  onProgress?: (images: number, total: number) => void;
}

/** One number of an evaluation. */
export interface Measure {
  /** What was measured, e.g. "5 labels a class". */
  name: string;
  /** In percent. */
  score: number;
  /** Standard deviation over draws, in percent, where there were several. */
  spread?: number;
  /** What was chosen, and other numbers. */
  details?: unknown;
}

/** An evaluation. */
export interface Protocol {
  /** What it does, in a line. */
  title: string;
  /** What it takes, for each encoder. */
  cost: string;
  /** The paper's numbers that it corresponds to, if any. */
  published: readonly PublishedTable[];
  /** Which images it takes. */
  needs: keyof EvaluationData;
  /** Which options change what it does, beside the seed. */
  takes?: readonly ("perClass" | "subset" | "epochs" | "scenes")[];
  /** Whether it needs images of three channels, whose colours RandAugment changes, or scenes, which are drawn in colours. */
  colours?: true;
  /** Whether it asks the encoder's predictor, one that is told transformations as an image world model's is. */
  transformations?: true;
  /** Throws a RangeError where the data that it takes cannot be evaluated on, as far as that shows beforehand. */
  check(data: Required<EvaluationData>, options: ProtocolOptions): void;
  /** Evaluates one subject on data that has them; no measure where that subject cannot be evaluated so. */
  run(subject: Subject, data: Required<EvaluationData>, options: ProtocolOptions): Promise<Measure[]>;
}

/** What a protocol's only number is called: one of other than its own passes says so. */
export function nameOf({ epochs }: ProtocolOptions): string {
  return epochs === undefined ? "accuracy" : `${epochs} epoch${epochs === 1 ? "" : "s"}`;
}
