/**
 * What a run trains, as the loop in loop.ts sees it. Pretraining, decoders and fine-tuning each give it an objective; the
 * loop knows nothing of images, masks or noise.
 *
 * @module
 */
import type { Parameters } from "../nn/parameters.ts";
import type { Tensor } from "../tensorflow/backend.ts";

/** Parameters by the name of their network, which is also their name in a checkpoint. */
export type Networks = Record<string, Parameters>;

/** The place of a worker in a step, whose batch is cut into micro-batches of one size, counted from 0. */
export interface Share {
  /** Micro-batches of the whole step, of all workers. */
  parts: number;
  /** The worker's first one. */
  from: number;
  /** Past its last one. */
  to: number;
}

/** One micro-batch. */
export interface MicroBatch<Inputs> {
  /** Tensors, or records of them; the loop disposes of them. */
  inputs: Inputs;
  /** Whole passes over the data before this step. */
  epoch: number;
}

/** What the schedules say of an update. */
export interface Scheduled {
  /** eta */
  learningRate: number;
  /** lambda of AdamW, on matrices only. */
  weightDecay: number;
  /** Of the moving averages; left out where there are none. */
  momentum?: number;
}

/** The loss of a micro-batch, and what is reported beside it: float32 scalars, means over the micro-batch. */
export interface Losses {
  /** What is minimised. */
  loss: Tensor;
  /** By the names that the log has. */
  reported: Record<string, Tensor>;
}

/** All that the loop has to know of what it trains. */
export interface Objective<Inputs = unknown> {
  /** For profiles and messages: "training_step", say. */
  name: string;
  /** Steps of the whole run. */
  totalSteps: number;
  /** The networks that gradients train, as they are before the first step: new tensors, the caller's. */
  initialise(): Networks;
  /** Networks that follow a trained one as its moving average, by the name of that one; they start as its copies. */
  averages: Record<string, string>;
  /** Networks that do not change and stay the caller's. */
  frozen?: Networks;
  /** This worker's micro-batches, step after step from step `start` (the first is 0) on. */
  batches(start: number, share: Share): AsyncGenerator<MicroBatch<Inputs>, void, void>;
  /**
   * The loss of a micro-batch as a function of the trained networks. What does not depend on them, such as targets, is
   * computed before that function is returned, so that nothing is kept for its gradient.
   *
   * @param given the averages and the frozen networks, by their names
   */
  lossOf(given: Networks, inputs: Inputs): (trained: Networks) => Losses;
  /** The schedules' values for the update after `step` updates. */
  scheduled(step: number): Scheduled;
  /** Largest norm of all gradients together; Infinity for none. */
  clip: number;
  /** How much of AdamW's second moments stays from step to step. Default 0.999. */
  beta2?: number;
  /** What a parameter's learning rate is of the common one, by its name; 1 where it is left out. */
  rateFactor?(parameter: string): number;
}
