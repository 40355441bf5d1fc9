/**
 * What an evaluation of clips compares: an encoder of clips with its predictor; and what it has to beat, the same networks
 * with random weights, the same seeing still frames, and pixels.
 *
 * @module
 */
import { encoderShapes, predictorShapes, tokenCount, tokenGrid } from "../../jepa/architectures.ts";
import { encode, tubelets } from "../../jepa/encoder.ts";
import { initialise } from "../../nn/initialisation.ts";
import { clipPositions } from "../../nn/positions.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile, type CompileOptions } from "../../tensorflow/compile.ts";
import type { VideoNetworks } from "../../video/load_video_encoder.ts";
import type { VideoArchitecture } from "../../video/presets.ts";
import { predictSecondHalf, secondHalfTargets } from "./surprise.ts";

/** Something that says vectors of clips, and is surprised by them. */
export interface ClipSubject {
  /** For tables. */
  name: string;
  /** Length of a token's vector. */
  width: number;
  /** A vector for each token of clips uint8 [B, T, size, size, 3]: float32 [B, N, width]. */
  tokens(pixels: Uint8Array): Promise<Float32Array>;
  /** What is expected of the second half of clips, from the first: float32 [B, M]. */
  predicted(pixels: Uint8Array): Promise<Float32Array>;
  /** What comes in the second half, to be held against that: float32 [B, M]. */
  came(pixels: Uint8Array): Promise<Float32Array>;
  /** Frees what is the subject's own. */
  dispose(): void;
}

/** Encoders of clips of one architecture, with their predictors, as functions of any number of clips. */
export interface ClipNetworks {
  /** Their sizes. */
  architecture: VideoArchitecture;
  /** What an encoder says of clips uint8 [B, T, size, size, 3]: float32 [B, N, D]. */
  tokens(encoder: Parameters, pixels: Uint8Array): Promise<Float32Array>;
  /** predictSecondHalf() of clips: float32 [B, N/2, D]. */
  predicted(networks: VideoNetworks, pixels: Uint8Array): Promise<Float32Array>;
  /** secondHalfTargets() of clips: float32 [B, N/2, D]. */
  came(encoder: Parameters, pixels: Uint8Array): Promise<Float32Array>;
  /** Frees the compilations. */
  dispose(): void;
}

/** Tokens of all clips that are encoded at once. */
const TOKENS = 12_800;

/** The bytes of a clip. */
export const clipBytes = ({ frames, image }: VideoArchitecture) => frames * image * image * 3;

/** A function of a tensor of clips, [batch, T, size, size, 3], over all clips; the last batch is filled up with black. */
async function inBatches(
  architecture: VideoArchitecture,
  fn: (clips: Tensor) => Promise<Tensor>,
  pixels: Uint8Array,
): Promise<Float32Array> {
  const { frames, image } = architecture, bytes = clipBytes(architecture), count = pixels.length / bytes;
  if (!Number.isInteger(count)) {
    throw new RangeError(`${pixels.length} bytes are no clips of ${frames} frames of ${image} x ${image} RGB.`);
  }
  const batch = Math.max(1, Math.floor(TOKENS / tokenCount(architecture)));
  let all = new Float32Array();
  for (let start = 0; start < count; start += batch) {
    const filled = new Uint8Array(batch * bytes);
    filled.set(pixels.subarray(start * bytes, (start + batch) * bytes));
    const clips = uint8Tensor(filled, [batch, frames, image, image, 3]);
    const out = await fn(clips).finally(() => clips.dispose());
    const values = await out.data<"float32">().finally(() => out.dispose()), each = values.length / batch;
    if (start === 0) all = new Float32Array(count * each);
    all.set(values.subarray(0, Math.min(batch, count - start) * each), start * each);
  }
  return all;
}

/** Compiles, at the first clips, what serves all encoders of an architecture. */
export function clipNetworks(
  architecture: VideoArchitecture,
  { precision }: Pick<CompileOptions, "precision"> = {},
): ClipNetworks {
  const kind = architecture.predictor.maskTokens - 1; // the last, which in the presets hides the future
  const tokens = compile(
    (encoder: Parameters, clips: Tensor) => encode(encoder, architecture, tubelets(clips, architecture)),
    { precision, name: "clip_tokens" },
  );
  const predicted = compile(
    (networks: VideoNetworks, clips: Tensor) => predictSecondHalf({ architecture, ...networks }, clips, kind),
    { precision, name: "second_half_predicted" },
  );
  const came = compile(
    (encoder: Parameters, clips: Tensor) => secondHalfTargets({ architecture, encoder }, clips),
    { precision, name: "second_half_targets" },
  );
  return {
    architecture,
    tokens: (encoder, pixels) => inBatches(architecture, (clips) => tokens(encoder, clips), pixels),
    predicted: (networks, pixels) => inBatches(architecture, (clips) => predicted(networks, clips), pixels),
    came: (encoder, pixels) => inBatches(architecture, (clips) => came(encoder, clips), pixels),
    dispose: () => [tokens, predicted, came].forEach((compiled) => compiled.dispose()),
  };
}

/** An encoder and its predictor as a subject; the parameters stay the caller's. */
export function encoderClips(name: string, networks: VideoNetworks, run: ClipNetworks): ClipSubject {
  return {
    ...{ name, width: run.architecture.width, dispose() {} },
    tokens: (pixels) => run.tokens(networks.encoder, pixels),
    predicted: (pixels) => run.predicted(networks, pixels),
    came: (pixels) => run.came(networks.encoder, pixels),
  };
}

/** Clips of one frame of each, standing still. */
function stillOf(pixels: Uint8Array, place: number, architecture: VideoArchitecture): Uint8Array {
  const still = new Uint8Array(pixels.length), clip = clipBytes(architecture), frame = clip / architecture.frames;
  for (let i = 0; i < pixels.length; i += frame) {
    const own = i - i % clip + place * frame; // of the same clip
    still.set(pixels.subarray(own, own + frame), i);
  }
  return still;
}

/**
 * The same networks seeing no motion: the tokens of a time are those of its first frame, standing still for a whole clip;
 * what comes is predicted from the context's last frame, standing still.
 */
export function stillClips(networks: VideoNetworks, run: ClipNetworks): ClipSubject {
  const { architecture } = run,
    { frames, tubelet, width } = architecture,
    [times, rows, columns] = tokenGrid(architecture);
  const each = rows * columns * width; // numbers of a time
  return {
    ...{ name: "still frames", width, dispose() {} },
    async tokens(pixels) {
      const all = new Float32Array(pixels.length / clipBytes(architecture) * times * each);
      for (let time = 0; time < times; time++) {
        const said = await run.tokens(networks.encoder, stillOf(pixels, time * tubelet, architecture));
        for (let i = time * each; i < all.length; i += times * each) all.set(said.subarray(i, i + each), i);
      }
      return all;
    },
    predicted: (pixels) => run.predicted(networks, stillOf(pixels, frames / 2 - 1, architecture)),
    came: (pixels) => run.came(networks.encoder, pixels),
  };
}

/** The same networks with random weights. */
export function randomClips(seed: number, run: ClipNetworks): ClipSubject {
  const { architecture } = run, [times] = tokenGrid(architecture);
  const networks: VideoNetworks = {
    encoder: initialise(encoderShapes(architecture), seed, "xavier", true, times),
    predictor: initialise(predictorShapes(architecture), seed, "xavier", true, times),
  };
  return {
    ...encoderClips("random weights", networks, run),
    dispose: () => tf.dispose([networks.encoder, networks.predictor]),
  };
}

/**
 * Pixels: a token is its tubelet's pixels in 0 .. 1, beside its place's sine-cosine positions, which encoders are given
 * too; what is expected is that the context's last frame stands still.
 */
export function pixelClips(architecture: VideoArchitecture): ClipSubject {
  const { patch, tubelet, frames, image } = architecture, [times, side] = tokenGrid(architecture);
  const places = 6 * Math.ceil(architecture.width / 6), count = tokenCount(architecture);
  const positions = tf.tensor3d(clipPositions(places, times, side), [1, count, places]);
  const plain = { mean: [0, 0, 0], deviation: [1, 1, 1] }, half = frames / 2;
  /** Frames from `first` on, in 0 .. 1, as many times one after another as make half a clip: [B, T/2, size, size, 3]. */
  const halfOf = (first: number, count: number) => (clips: Tensor) =>
    Promise.resolve(tf.tidy(() => {
      const own = tf.slice(clips, [0, first, 0, 0, 0], [clips.shape[0], count, image, image, 3]);
      return tf.div(tf.cast(tf.tile(own, [1, half / count, 1, 1, 1]), "float32"), 255);
    }));
  return {
    ...{ name: "pixels", width: 3 * tubelet * patch * patch + places },
    tokens: (pixels) =>
      inBatches(
        architecture,
        (clips) =>
          Promise.resolve(tf.tidy(() =>
            tf.concat([tubelets(clips, architecture, plain), tf.tile(positions, [clips.shape[0], 1, 1])], 2)
          )),
        pixels,
      ),
    predicted: (pixels) => inBatches(architecture, halfOf(half - 1, 1), pixels),
    came: (pixels) => inBatches(architecture, halfOf(half, half), pixels),
    dispose: () => positions.dispose(),
  };
}
