/**
 * trainDecoder(): a whole training of a decoder in a folder, from an encoder and images to a decoder's file.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Dataset } from "../datasets/dataset.ts";
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import { randomStream, shuffled } from "../random.ts";
import { pixelTensor } from "../jepa/encoder.ts";
import { disposeAll, type Tensor, tf } from "../tensorflow/backend.ts";
import { compile } from "../tensorflow/compile.ts";
import { decided } from "../training/runs/decided.ts";
import { type RunLogEntry, type RunOptions, trainRun } from "../training/runs/run.ts";
import { readConfig } from "../training/runs/run_folder.ts";
import { checkDecoderConfig, decoderConfigIn } from "./check_decoder_config.ts";
import { checkDecoderFits, decoderObjective } from "./decoder_objective.ts";
import { type DecoderConfig, productWidth } from "./decoder_presets.ts";
import { maskings } from "./diffusion/training_inputs.ts";
import {
  type FrozenEncoder,
  type Masked,
  pooledCondition,
  type Pooling,
  representTokens,
  type Standardisation,
  standardisationOf,
} from "./representation.ts";
import { decodes, saveDecoder, type TrainedDecoder } from "./saved_decoder.ts";

/** One line of a decoder's log.jsonl. */
export type DecoderLogEntry = RunLogEntry;

/** How to run it; none of this changes the result. */
export type TrainDecoderOptions = RunOptions;

/** What a training leaves. */
export interface TrainDecoderResult {
  /** Whether all steps are done; false where `signal` stopped it. */
  finished: boolean;
  /** Steps done. */
  step: number;
  /** A line for each step, those before a resume included. */
  log: DecoderLogEntry[];
  /** The decoder as it is now; the caller disposes of its tensors. */
  decoder: TrainedDecoder;
  /** The file that holds it once the run is finished. */
  weights: string;
}

/** Images that representations are standardised by; tokens come from a quarter as many. */
const STANDARDISED_BY = 2048;

/** Key of the masks that predictions are standardised by; a step's draws have -1 there. */
const STANDARDISING_STREAM = -2;

/**
 * The standardisation of what is decoded, from some of a data set's images: representations, pooled or token by token, or
 * predictions.
 */
async function measureStandardisation(
  config: DecoderConfig,
  { parameters, predictor, ...setting }: FrozenEncoder,
  images: Dataset,
): Promise<Standardisation> {
  const { kind, seed } = config, { image, width, patch } = setting.size, tokens = (image / patch) ** 2;
  const ofPredictions = decodes(config) === "predictions";
  const count = Math.min(kind === "pooled" ? STANDARDISED_BY : STANDARDISED_BY / 4, images.length);
  const batch = Math.min(64, count), rowsEach = kind === "pooled" ? 1 : tokens;
  const order = shuffled(images.length, randomStream(seed)), rows = new Float32Array(count * rowsEach * width);
  const sizes = { ...setting, predictor: predictor && { size: predictor.size } };
  const frozen = { encoder: parameters, ...ofPredictions ? { predictor: predictor!.parameters } : {} };
  const represent = compile((p: typeof frozen, pixels: Tensor, seen: Pooling | Masked) => {
    return kind === "pooled" ? pooledCondition(p, sizes, pixels, seen) : representTokens(p.encoder, setting, pixels);
  }, { name: "representation" });
  const random = randomStream(seed, STANDARDISING_STREAM), masked = ofPredictions ? maskings(image / patch) : undefined;
  const whole = (count: number): Pooling => ({ pooling: tf.fill([count, tokens], 1 / tokens) });
  try {
    for (let done = 0; done < count; done += batch) {
      // The last batch goes back to be a whole one.
      const first = Math.min(done, count - batch);
      const { pixels } = await images.centred(order.subarray(first, first + batch), image);
      const input = pixelTensor(pixels, batch, image);
      const seen = masked?.(batch, random) ?? whole(batch);
      const output = await represent(frozen, input, seen);
      rows.set(await output.data() as Float32Array, first * rowsEach * width);
      disposeAll([input, output, seen]);
    }
  } finally {
    represent.dispose();
  }
  return standardisationOf(rows, width);
}

/**
 * What tells the weights that a decoder decodes from any others: a hash of the encoder's parameters, and where it is of
 * predictions of the predictor's.
 */
export async function encoderDigest(config: DecoderConfig, { parameters, predictor }: FrozenEncoder): Promise<string> {
  const hash = createHash("sha256");
  const networks = [
    parameters,
    ...decodes(config) === "predictions" ? [predictor!.parameters] : [],
  ];
  for (const network of networks) {
    for (const name of Object.keys(network).sort()) {
      const { buffer, byteOffset, byteLength } = await network[name].data() as Float32Array<ArrayBuffer>;
      hash.update(`${name} [${network[name].shape}]`).update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  return hash.digest("hex");
}

/**
 * The configuration of a decoder's run; its config.json says, beside it, which encoder is decoded.
 *
 * @throws Error where the folder holds no run, or its config.json is damaged; RangeError where it is no decoder's
 */
export async function readDecoderConfig(dir: string): Promise<DecoderConfig> {
  return decoderConfigIn(await readConfig(dir), `${dir}/config.json`);
}

/**
 * Trains a decoder of a frozen encoder's representations, writing the run into a folder: config.json, log.jsonl, the
 * newest checkpoints, and at the end decoder.safetensors, the averaged weights in float16: a decoder is used as it ships,
 * and the checkpoints keep them as they are.
 *
 * The result depends on the configuration, the encoder and the images alone: a run that was stopped, by its signal or by a
 * kill, and resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @param asked where its precision is "auto", it is decided here
 * @param encoder the target encoder, which stays the caller's
 * @throws RangeError as checkDecoderConfig() does, or where decoder and encoder do not fit; Error where the folder holds another run, or one of another
 *   encoder, where there is nothing to resume, or, with the step, where loss or gradients are not finite or a
 *   checkpoint cannot be written; the last whole one is then left as it is
 */
export async function trainDecoder(
  asked: DecoderConfig,
  encoder: FrozenEncoder,
  images: Dataset,
  options: TrainDecoderOptions,
): Promise<TrainDecoderResult> {
  checkDecoderConfig(asked);
  checkDecoderFits(asked, encoder);
  const config = await decided(asked, productWidth(asked), options);
  const standardisation = await measureStandardisation(config, encoder, images);
  try {
    const objective = decoderObjective(config, encoder, standardisation, images);
    const digest = await encoderDigest(config, encoder);
    const setting = { config: { ...config, encoder: digest }, images };
    const { finished, step, log, state } = await trainRun(objective, setting, options);
    const { averages: { average }, ...rest } = state;
    disposeAll(rest);
    const decoder = { config, parameters: average, standardisation, encoder: digest };
    const weights = `${options.dir}/decoder.safetensors`;
    const onProgress = (done: number, total: number) =>
      options.onFile?.({ action: "writing", path: weights, done, total });
    if (finished && (options.workers?.rank ?? 0) === 0) {
      await saveDecoder(weights, decoder, { dtype: "F16", onProgress });
    }
    return { finished, step, log, decoder, weights };
  } catch (error) {
    disposeAll(standardisation);
    throw error;
  }
}

/** A loaded encoder as the decoders take it; standardised as in pretraining where its files say nothing else. */
export function frozenEncoder(
  { size, parameters, preprocessing, predictor }: Pick<FrozenEncoder, "size" | "parameters"> & Partial<FrozenEncoder>,
): FrozenEncoder {
  const { image, channels = 3 } = size;
  if (channels !== 3) {
    throw new RangeError(`Decoders draw colours, and the encoder takes images of ${channels} channels.`);
  }
  const known = { size, parameters, preprocessing: preprocessing ?? defaultPreprocessing(image) };
  return predictor ? { ...known, predictor } : known;
}
