/**
 * The training loop of decoders: images and draws in, the compiled step, the log, checkpoints, and the way back into a run
 * that was stopped.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { batches } from "../datasets/loader.ts";
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import { initialise } from "../nn/initialisation.ts";
import type { Parameters } from "../nn/parameters.ts";
import { randomStream, shuffled } from "../random.ts";
import { disposeAll, type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import { compile, compileUpdate } from "../tensorflow/compile.ts";
import { Variables } from "../tensorflow/variables.ts";
import { biasCorrections } from "../training/adamw.ts";
import { readGroups, writeGroups } from "../training/checkpoint.ts";
import { openRunFolder, truncateLog } from "../training/run_folder.ts";
import { warmupCosine } from "../training/schedules.ts";
import { initialMoments, type StepScalars } from "../training/step.ts";
import { scalarTensors } from "../training/trainer.ts";
import type { DecoderConfig } from "./decoder_presets.ts";
import {
  type DecoderImages,
  type DecoderMetrics,
  type DecoderState,
  decoderStep,
  type Frozen,
} from "./decoder_step.ts";
import {
  type FrozenEncoder,
  poolTokens,
  representTokens,
  type Standardisation,
  standardisationOf,
} from "./representation.ts";
import { decoderShapes, saveDecoder, type TrainedDecoder } from "./saved_decoder.ts";
import { pooledDraws } from "./training_inputs.ts";
import { checkUnet, initialiseUnet } from "./unet.ts";

/** One line of a decoder's log.jsonl. */
export interface DecoderLogEntry {
  /** Steps done, from 1 on. */
  step: number;
  /** Whole passes over the images before this step. */
  epoch: number;
  /** What was minimised. */
  loss: number;
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number;
  /** Of this step's update. */
  learningRate: number;
  /** Seconds that the step took, reading images included. */
  seconds: number;
}

/** How to run it; none of this changes the result. */
export interface TrainDecoderOptions {
  /** The run's folder. */
  dir: string;
  /** Goes on from the folder's checkpoint instead of starting anew. */
  resume?: boolean;
  /** Steps between checkpoints. Default 200. */
  checkpointEvery?: number;
  /** Told of each step done, and of the steps in the whole run. */
  onStep?: (entry: DecoderLogEntry, totalSteps: number) => void;
  /** Told of the step's compilation. */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
  /** Stops the run after the present step, with a checkpoint. */
  signal?: AbortSignal;
}

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

/** The whole image, or its centred square: decoders see no other crops. */
const WHOLE = { scale: [1, 1], aspect: [1, 1] } as { scale: [number, number]; aspect: [number, number] };

/** Images that representations are standardised by; tokens come from a quarter as many. */
const STANDARDISED_BY = 2048;

/**
 * Steps of a whole training.
 *
 * @throws RangeError where there is none
 */
export function decoderSteps({ epochs, batch }: DecoderConfig, images: number): number {
  if (images < batch) throw new RangeError(`${images} images are fewer than a batch of ${batch}: lower the batch.`);
  const steps = Math.round(epochs * Math.floor(images / batch));
  if (steps >= 2) return steps;
  throw new RangeError(
    `${epochs} epochs of ${images} images make ${steps} steps of ${batch} images: raise the epochs.`,
  );
}

/**
 * Holds that a decoder fits its encoder.
 *
 * @throws RangeError that says what does not fit
 */
export function checkDecoderFits({ kind, network }: DecoderConfig, { size }: Pick<FrozenEncoder, "size">): void {
  const { condition } = network;
  if (condition !== size.width) {
    throw new RangeError(`The decoder takes vectors of ${condition} numbers, but the encoder gives ${size.width}.`);
  }
  if (kind === "pooled") return checkUnet(network);
  const { image, patch, width, heads } = network;
  if (image !== size.image || patch !== size.patch) {
    throw new RangeError(
      `A patch decoder has its encoder's image and patch, ${size.image} and ${size.patch}; got ${image} and ${patch}.`,
    );
  }
  if (width % heads !== 0) throw new RangeError(`${heads} heads do not divide a width of ${width}.`);
}

/** The standardisation of an encoder's representations, pooled or token by token, from some of a data set's images. */
async function measureStandardisation(
  { kind, seed }: DecoderConfig,
  { parameters, ...setting }: FrozenEncoder,
  images: Dataset,
): Promise<Standardisation> {
  const { image, width, patch } = setting.size, tokens = (image / patch) ** 2;
  const count = Math.min(kind === "pooled" ? STANDARDISED_BY : STANDARDISED_BY / 4, images.length);
  const batch = Math.min(64, count), rowsEach = kind === "pooled" ? 1 : tokens;
  const order = shuffled(images.length, randomStream(seed)), rows = new Float32Array(count * rowsEach * width);
  const represent = compile((p: Parameters, pixels: Tensor, weights: Tensor) => {
    const all = representTokens(p, setting, pixels);
    return kind === "pooled" ? poolTokens(all, weights) : all;
  }, { name: "representation" });
  const weights = tf.fill([batch, tokens], 1 / tokens);
  try {
    for (let done = 0; done < count; done += batch) {
      // The last batch goes back to be a whole one.
      const first = Math.min(done, count - batch);
      const { pixels } = await images.centred(order.subarray(first, first + batch), image);
      const input = uint8Tensor(pixels, [batch, image, image, 3]);
      const output = await represent(parameters, input, weights);
      rows.set(await output.data() as Float32Array, first * rowsEach * width);
      disposeAll([input, output]);
    }
  } finally {
    weights.dispose();
    represent.dispose();
  }
  return standardisationOf(rows, width);
}

/** A run before its first step. */
function initialState(config: DecoderConfig): DecoderState {
  const decoder = config.kind === "pooled"
    ? initialiseUnet(config.network, config.seed)
    : initialise(decoderShapes(config), config.seed);
  const average = Object.fromEntries(Object.entries(decoder).map(([name, value]) => [name, tf.clone(value)]));
  return { decoder, average, moments: initialMoments(decoder) };
}

/** The parts of a run's state as a checkpoint has them. */
function groupsOf({ decoder, average, moments }: DecoderState, standardisation: Standardisation) {
  return { decoder, average, first_moment: moments.first, second_moment: moments.second, standardisation };
}

/** A new run's state, or the one that a stopped run left. */
async function openRun(
  config: DecoderConfig,
  encoder: FrozenEncoder,
  images: Dataset,
  dir: string,
  resume: boolean,
): Promise<{ state: DecoderState; standardisation: Standardisation; step: number; log: DecoderLogEntry[] }> {
  const state = initialState(config), standardisation = await measureStandardisation(config, encoder, images);
  if (!resume) return { state, standardisation, step: 0, log: [] };
  const path = `${dir}/checkpoint.safetensors`;
  const checkpoint = await readGroups(path, groupsOf(state, standardisation)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined; // Stopped before its first one: from the beginning.
    throw error;
  });
  const log = await truncateLog<DecoderLogEntry>(dir, checkpoint?.step ?? 0);
  if (!checkpoint) return { state, standardisation, step: 0, log };
  const { decoder, average, first_moment: first, second_moment: second } = checkpoint.groups;
  const kept = checkpoint.groups.standardisation as Standardisation;
  const moved = tf.tidy(() =>
    tf.max(tf.abs(tf.div(tf.sub(kept.mean, standardisation.mean), kept.deviation))).dataSync()[0]
  );
  disposeAll([state, standardisation]);
  if (!(moved < 1e-2)) {
    disposeAll(checkpoint.groups);
    throw new Error(
      `The run in ${dir} decodes another encoder: its representations have another mean. Name the same one.`,
    );
  }
  return { state: { decoder, average, moments: { first, second } }, standardisation: kept, step: checkpoint.step, log };
}

/** A decoder's images at both sizes, the same crops; where the sizes are one, the same tensor's worth of pixels. */
function imageStreams(config: DecoderConfig, { size }: FrozenEncoder, images: Dataset, start: number) {
  const { batch, seed, network } = config;
  const open = (side: number) => batches(images, { batch, seed, start, crop: WHOLE, size: side });
  const seen = open(size.image), wanted = network.image === size.image ? undefined : open(network.image);
  return {
    async next(): Promise<{ images: DecoderImages; epoch: number }> {
      const { pixels, epoch } = (await seen.next()).value!;
      const other = wanted ? (await wanted.next()).value!.pixels : pixels;
      const tensor = (bytes: Uint8Array, side: number) => uint8Tensor(bytes, [batch, side, side, 3]);
      return { images: { pixels: tensor(pixels, size.image), wanted: tensor(other, network.image) }, epoch };
    },
    async close() {
      await seen.return();
      await wanted?.return();
    },
  };
}

async function readMetrics({ loss, gradientNorm }: DecoderMetrics): Promise<Record<keyof DecoderMetrics, number>> {
  return { loss: (await loss.data())[0], gradientNorm: (await gradientNorm.data())[0] };
}

const encodeText = (text: string) => new TextEncoder().encode(text);

/**
 * Trains a decoder of a frozen encoder's representations, writing the run into a folder: config.json, log.jsonl,
 * checkpoint.safetensors, and at the end decoder.safetensors, the averaged weights in float16: a decoder is used as it
 * ships, and the checkpoint keeps them as they are.
 *
 * The result depends on the configuration, the encoder and the images alone: a run that was stopped, by its signal or by a
 * kill, and resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @param encoder the target encoder, which stays the caller's
 * @throws RangeError where decoder and encoder do not fit; Error where the folder holds another run, or another process
 *   writes it, where there is nothing to resume, or, with the step, where loss or gradients are not finite; the last
 *   checkpoint is then left as it is
 */
export async function trainDecoder(
  config: DecoderConfig,
  encoder: FrozenEncoder,
  images: Dataset,
  options: TrainDecoderOptions,
): Promise<TrainDecoderResult> {
  const { dir, resume = false, checkpointEvery = 200, onStep, onCompile, signal } = options;
  checkDecoderFits(config, encoder);
  const { parameters, size, preprocessing } = encoder;
  const totalSteps = decoderSteps(config, images.length);
  const warmupSteps = Math.round(config.learningRate.warmup * totalSteps);
  const rate = warmupCosine({ ...config.learningRate, start: 0, warmupSteps, totalSteps });
  const draw = config.kind === "pooled" ? pooledDraws(config, size.image / size.patch) : () => ({});

  using _writer = await openRunFolder(dir, config, images, resume);
  const begun = await openRun(config, encoder, images, dir, resume);
  const { log, standardisation } = begun;
  let step = begun.step, saved = begun.step, last = performance.now();
  const variables = new Variables(begun.state);
  disposeAll(begun.state);
  const frozen: Frozen = { encoder: parameters, standardisation };
  const update = compileUpdate(
    (state: DecoderState, frozen: Frozen, inputs: DecoderImages, scalars: StepScalars) =>
      decoderStep(config, { size, preprocessing }, state, frozen, inputs, scalars),
    variables,
    { name: "decoder_step", precision: config.precision, onCompile },
  );
  const checkpoint = async () => {
    const held = variables.read();
    await writeGroups(`${dir}/checkpoint.safetensors`, groupsOf(held, standardisation), step);
    disposeAll(held);
    saved = step;
  };

  using logFile = await Deno.open(`${dir}/log.jsonl`, { append: true });
  const stream = imageStreams(config, encoder, images, step);
  const prepare = async (step: number) => {
    const { images, epoch } = await stream.next();
    return { inputs: { ...images, ...draw(step) }, epoch };
  };
  let upcoming = step < totalSteps && !signal?.aborted ? prepare(step) : undefined;
  try {
    while (upcoming && !signal?.aborted) {
      const { inputs, epoch } = await upcoming;
      const learningRate = rate(step + 1);
      const momentum = Math.min(config.average, (1 + step) / (10 + step));
      const scalars = scalarTensors({
        ...{ learningRate, momentum, weightDecay: config.weightDecay },
        ...biasCorrections(step + 1),
      });
      const updating = update(frozen, inputs, scalars);
      // The next step's noise is drawn while TensorFlow is at this one.
      upcoming = step + 1 < totalSteps ? prepare(step + 1) : undefined;
      upcoming?.catch(() => {}); // met at its own step
      const metrics = await updating;
      const measured = await readMetrics(metrics);
      disposeAll([inputs, scalars, metrics]);
      step++;

      const entry = { step, epoch, ...measured, learningRate, seconds: (performance.now() - last) / 1000 };
      last = performance.now();
      logFile.writeSync(encodeText(JSON.stringify(entry) + "\n"));
      log.push(entry);
      if (!Number.isFinite(measured.loss) || !Number.isFinite(measured.gradientNorm)) {
        throw new Error(
          `Training stopped at step ${step}: loss ${measured.loss}, gradient norm ${measured.gradientNorm}. The ` +
            `checkpoint of step ${saved} in ${dir} is kept; try a lower learning rate or a smaller clip.`,
        );
      }
      onStep?.(entry, totalSteps);
      if (step % checkpointEvery === 0 && step < totalSteps) await checkpoint();
    }
    if (saved < step) await checkpoint();

    const { average, ...rest } = variables.read();
    disposeAll(rest);
    const decoder = { config, parameters: average, standardisation };
    const weights = `${dir}/decoder.safetensors`, finished = step === totalSteps;
    if (finished) await saveDecoder(weights, decoder, { dtype: "F16" });
    return { finished, step, log, decoder, weights };
  } catch (error) {
    disposeAll(standardisation);
    throw error;
  } finally {
    await upcoming?.then(({ inputs }) => disposeAll(inputs), () => {});
    await stream.close();
    update.dispose();
    variables.dispose();
  }
}

/** A loaded encoder as the decoders take it; standardised as in pretraining where its files say nothing else. */
export function frozenEncoder(
  { size, parameters, preprocessing }: Pick<FrozenEncoder, "size" | "parameters"> & Partial<FrozenEncoder>,
): FrozenEncoder {
  return { size, parameters, preprocessing: preprocessing ?? defaultPreprocessing(size.image) };
}
