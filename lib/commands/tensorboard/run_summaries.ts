/**
 * What a training writes for TensorBoard: its log's numbers, pictures, and how its weights are distributed.
 *
 * @module
 */
import sharp from "npm:sharp@0.35.5";
import type { Figure } from "../../figures/figure.ts";
import { figureToPng } from "../../figures/save.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { openSummaryWriter } from "../../tensorflow/records/summaries.ts";
import type { RunLogEntry } from "../../training/runs/run.ts";

/** A run's event file; a run that goes on has another one beside it, in the same folder. */
export interface RunSummaries extends Disposable {
  /** All numbers of a line of the log. */
  step(entry: RunLogEntry): void;
  /** A figure, as it was after so many steps. */
  picture(step: number, tag: string, figure: Figure): Promise<void>;
  /** A histogram of each parameter. */
  weights(step: number, parameters: Parameters): Promise<void>;
}

/** For parseArgs(). */
export const TENSORBOARD_FLAG = { "tensorboard": { type: "boolean", default: false } } as const;

/** What --help says of it. */
export const TENSORBOARD_HELP = {
  "--tensorboard":
    `also writes the log, pictures and histograms of the weights for TensorBoard, into tensorboard/ in the
    run's folder`,
};

/** Numbers that are known in another form, or are of no use as a curve. */
const LEFT_OUT = ["step", "seconds"];

/**
 * Opens a run's event file.
 *
 * @param batch images a step, for the rate
 * @throws Error where the folder cannot be written
 */
export function runSummaries(dir: string, batch: number): RunSummaries {
  const folder = `${dir}/tensorboard`;
  let writer: ReturnType<typeof openSummaryWriter>;
  try {
    writer = openSummaryWriter(folder);
  } catch (error) {
    throw new Error(
      `${folder} cannot be written for --tensorboard (${(error as Error).message}): name another --out.`,
      {
        cause: error,
      },
    );
  }
  const numbers = (step: number, values: Record<string, unknown>, before = "") => {
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === "number" && !LEFT_OUT.includes(name)) writer.scalar(step, before + name, value);
    }
  };
  return {
    step(entry) {
      const { step, seconds, measures } = entry;
      numbers(step, { ...entry });
      if (seconds > 0) writer.scalar(step, "images per second", batch / seconds);
      if (measures) numbers(step, measures, "measures/");
    },
    async picture(step, tag, figure) {
      const png = await figureToPng(figure, 1);
      const { data, info } = await sharp(png).flatten({ background: "white" }).toColourspace("srgb").raw().toBuffer({
        resolveWithObject: true,
      });
      writer.image(step, tag, data, info.height, info.width);
      writer.flush();
    },
    async weights(step, parameters) {
      for (const [name, tensor] of Object.entries(parameters)) {
        writer.histogram(step, `weights/${name}`, (await tensor.data()) as Float32Array);
      }
      writer.flush();
    },
    [Symbol.dispose]: () => writer[Symbol.dispose](),
  };
}
