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
import type { Precision } from "../../tensorflow/autocast.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import type { VideoArchitecture } from "../../video/presets.ts";
import { surprise, type SurprisedNetworks } from "./surprise.ts";

/** Something that says vectors of clips, and is surprised by them. */
export interface ClipSubject {
  /** For tables. */
  name: string;
  /** Length of a token's vector. */
  width: number;
  /** A vector for each token of clips uint8 [B, T, size, size, 3]: float32 [B, N, width]. */
  tokens(pixels: Uint8Array): Promise<Float32Array>;
  /** Surprise at the second half of such clips, given the first: float32 [B]. */
  surprise(pixels: Uint8Array): Promise<Float32Array>;
  /** Frees compilations, and parameters that are the subject's own. */
  dispose(): void;
}

/** How encoders are run. */
export interface ClipSubjectOptions {
  /** What matrix products compute in. Default "float32". */
  precision?: Precision;
}

/** Clips that are encoded at once. */
const BATCH = 50;

/** A function of clips, uint8 [BATCH, T, size, size, 3], over any number of them; the last batch is filled up with black. */
async function inBatches(
  pixels: Uint8Array,
  { frames, image }: VideoArchitecture,
  fn: (clips: Tensor) => Promise<Tensor>,
): Promise<Float32Array> {
  const bytes = frames * image * image * 3, count = pixels.length / bytes, parts: Float32Array[] = [];
  if (!Number.isInteger(count)) {
    throw new RangeError(`${pixels.length} bytes are no clips of ${frames} frames of ${image} x ${image} RGB.`);
  }
  for (let start = 0; start < count; start += BATCH) {
    const filled = new Uint8Array(BATCH * bytes), own = pixels.subarray(start * bytes, (start + BATCH) * bytes);
    filled.set(own);
    const clips = uint8Tensor(filled, [BATCH, frames, image, image, 3]), out = await fn(clips);
    const values = await out.data() as Float32Array;
    parts.push(values.subarray(0, own.length / bytes * (values.length / BATCH)));
    tf.dispose([clips, out]);
  }
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
}

/** One frame of clips [B, T, H, W, 3] as long as they are. */
const stillOf = (clips: Tensor, place: number): Tensor => {
  const [batch, frames, height, width] = clips.shape as [number, number, number, number];
  return tf.tile(tf.slice(clips, [0, place, 0, 0, 0], [batch, 1, height, width, 3]), [1, frames, 1, 1, 1]);
};

/** The tokens of one time, [B, N / times, D]. */
const atTime = (tokens: Tensor, time: number, places: number): Tensor =>
  tf.slice(tokens, [0, time * places, 0], [tokens.shape[0], places, tokens.shape[2]!]);

/** An encoder and predictor of clips as a subject; the parameters stay the caller's. */
export function encoderClips(
  name: string,
  networks: SurprisedNetworks,
  architecture: VideoArchitecture,
  options: ClipSubjectOptions = {},
): ClipSubject {
  const { precision } = options, kind = architecture.predictor.maskTokens - 1; // in the presets, what hides the future
  const tokens = compile(
    (encoder: SurprisedNetworks["encoder"], clips: Tensor) =>
      encode(encoder, architecture, tubelets(clips, architecture)),
    { precision, name: "clip_tokens" },
  );
  const surprised = compile(
    (networks: SurprisedNetworks, clips: Tensor) => surprise(networks, architecture, clips, clips, kind),
    { precision, name: "surprise" },
  );
  return {
    ...{ name, width: architecture.width },
    tokens: (pixels) => inBatches(pixels, architecture, (clips) => tokens(networks.encoder, clips)),
    surprise: (pixels) => inBatches(pixels, architecture, (clips) => surprised(networks, clips)),
    dispose() {
      tokens.dispose();
      surprised.dispose();
    },
  };
}

/**
 * The same networks seeing no motion: the tokens of a time are those of its first frame, standing still for a whole clip;
 * what comes is predicted from the context's last frame, standing still.
 */
export function stillClips(
  networks: SurprisedNetworks,
  architecture: VideoArchitecture,
  options: ClipSubjectOptions = {},
): ClipSubject {
  const { precision } = options, { frames, tubelet } = architecture, [times, rows, columns] = tokenGrid(architecture);
  const kind = architecture.predictor.maskTokens - 1;
  const tokens = compile((encoder: SurprisedNetworks["encoder"], clips: Tensor) => {
    const still = (time: number) =>
      encode(encoder, architecture, tubelets(stillOf(clips, time * tubelet), architecture)); // [B, N, D]
    return tf.concat(Array.from({ length: times }, (_, time) => atTime(still(time), time, rows * columns)), 1);
  }, { precision, name: "still_tokens" });
  const surprised = compile(
    (networks: SurprisedNetworks, clips: Tensor) =>
      surprise(networks, architecture, stillOf(clips, frames / 2 - 1), clips, kind),
    { precision, name: "still_surprise" },
  );
  return {
    ...{ name: "still frames", width: architecture.width },
    tokens: (pixels) => inBatches(pixels, architecture, (clips) => tokens(networks.encoder, clips)),
    surprise: (pixels) => inBatches(pixels, architecture, (clips) => surprised(networks, clips)),
    dispose() {
      tokens.dispose();
      surprised.dispose();
    },
  };
}

/** The same networks with random weights. */
export function randomClips(
  architecture: VideoArchitecture,
  seed: number,
  options: ClipSubjectOptions = {},
): ClipSubject {
  const [times] = tokenGrid(architecture);
  const networks: SurprisedNetworks = {
    encoder: initialise(encoderShapes(architecture), seed, "xavier", true, times),
    predictor: initialise(predictorShapes(architecture), seed, "xavier", true, times),
  };
  const subject = encoderClips("random weights", networks, architecture, options);
  return {
    ...subject,
    dispose() {
      subject.dispose();
      tf.dispose([networks.encoder, networks.predictor]);
    },
  };
}

/**
 * Pixels: a token is its tubelet's pixels in 0 .. 1, beside its place's sine-cosine positions, which encoders are given
 * too; the surprise is the mean absolute difference of what comes from the context's last frame.
 */
export function pixelClips(architecture: VideoArchitecture): ClipSubject {
  const { patch, tubelet, frames, image } = architecture, [times, side] = tokenGrid(architecture);
  const places = 6 * Math.ceil(architecture.width / 6), count = tokenCount(architecture);
  const positions = tf.tensor3d(clipPositions(places, times, side), [1, count, places]);
  const plain = { mean: [0, 0, 0], deviation: [1, 1, 1] };
  return {
    ...{ name: "pixels", width: 3 * tubelet * patch * patch + places },
    tokens: (pixels) =>
      inBatches(
        pixels,
        architecture,
        // deno-lint-ignore require-await -- as compiled functions are
        async (clips) =>
          tf.tidy(() => tf.concat([tubelets(clips, architecture, plain), tf.tile(positions, [BATCH, 1, 1])], 2)),
      ),
    surprise: (pixels) =>
      // deno-lint-ignore require-await -- as compiled functions are
      inBatches(pixels, architecture, async (clips) =>
        tf.tidy(() => {
          const scaled = tf.div(tf.cast(clips, "float32"), 255);
          const last = tf.slice(scaled, [0, frames / 2 - 1, 0, 0, 0], [BATCH, 1, image, image, 3]);
          const coming = tf.slice(scaled, [0, frames / 2, 0, 0, 0], [BATCH, frames / 2, image, image, 3]);
          return tf.mean(tf.abs(tf.sub(coming, last)), [1, 2, 3, 4]);
        })),
    dispose: () => positions.dispose(),
  };
}
