/**
 * What an encoder of clips knows of scenes in motion: what is read from its tokens by linear layers, and what surprises it.
 *
 * @module
 */
import type { MovingScene } from "../../datasets/scenes/moving_scene.ts";
import { type Law, LAWS } from "../../datasets/scenes/violations.ts";
import type { VideoArchitecture } from "../../video/presets.ts";
import { tokenCount, tokenGrid } from "../../jepa/architectures.ts";
import { mean } from "../../statistics.ts";
import type { Features, TokenFeatures } from "../features/features.ts";
import { attentiveProbe } from "../probes/attentive_probe.ts";
import { linearProbe } from "../probes/linear_probe.ts";
import { type RegressionRows, ridgeRegression } from "../probes/ridge_regression.ts";
import { clipBytes, type ClipSubject } from "./clip_subjects.ts";
import { type SeenSolid, seenSolids } from "./seen_solids.ts";
import { type MatchedSet, pairwiseAccuracy, setAccuracy, surprise } from "./surprise.ts";

/** Clips of scenes whose truth is known. */
export interface KnownClips {
  /** uint8 [N, T, size, size, 3] */
  pixels: Uint8Array;
  /** [N] */
  truths: readonly MovingScene[];
}

/** What the evaluation takes. */
export interface ClipEvaluationData {
  /** To fit to; the last fifth is held out to choose by. */
  train: KnownClips;
  /** To measure on. */
  test: KnownClips;
  /** By the law that the impossible clips break. */
  sets: Readonly<Record<Law, readonly MatchedSet[]>>;
}

/** One number. */
export interface ClipMeasure {
  /** What was measured, e.g. "velocity, R²". */
  measure: string;
  /** Of what. */
  subject: string;
  /** In percent. */
  score: number;
}

/** The solids' properties that are read from tokens. */
const PROPERTIES: Readonly<Record<string, (solid: SeenSolid) => readonly number[]>> = {
  position: ({ position }) => position,
  velocity: ({ velocity }) => velocity,
  depth: ({ depth }) => [depth],
};

/** Clips whose tokens are held at once. */
const CHUNK = 50;

/** The second half of a clip before the first. */
export function swapHalves(clip: Uint8Array): Uint8Array<ArrayBuffer> {
  const swapped = new Uint8Array(clip.length), half = clip.length / 2;
  swapped.set(clip.subarray(half));
  swapped.set(clip.subarray(0, half), half);
  return swapped;
}

/** Every second clip with its halves swapped: what a probe is to tell, label 1, from the others, label 0. */
function withSwapped(pixels: Uint8Array, clips: number): { pixels: Uint8Array; labels: Int32Array } {
  const own = pixels.slice(),
    bytes = pixels.length / clips,
    labels = Int32Array.from({ length: clips }, (_, i) => i % 2);
  for (let i = 1; i < clips; i += 2) own.set(swapHalves(pixels.subarray(i * bytes, (i + 1) * bytes)), i * bytes);
  return { pixels: own, labels };
}

/** Of numbers of `count` clips those of each. */
function ofEach(values: Float32Array, count: number): Float32Array[] {
  const each = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * each, (i + 1) * each));
}

/** Clips in chunks: their pixels, and how many they are. */
function* chunks(pixels: Uint8Array, clips: number): Generator<[pixels: Uint8Array, clips: number]> {
  const bytes = pixels.length / clips;
  for (let start = 0; start < clips; start += CHUNK) {
    yield [pixels.subarray(start * bytes, (start + CHUNK) * bytes), Math.min(CHUNK, clips - start)];
  }
}

/** Tokens of clips, some at a time: [N, width]. */
async function* tokensOf(subject: ClipSubject, pixels: Uint8Array, clips: number) {
  for (const [own, count] of chunks(pixels, clips)) yield* ofEach(await subject.tokens(own), count);
}

/** The tokens in which solids are seen, [S, width], and for each clip how many there are. */
async function tokensOfSolids(subject: ClipSubject, { pixels, truths }: KnownClips, solids: readonly SeenSolid[][]) {
  const { width } = subject, rows = solids.flat().length, values = new Float32Array(rows * width);
  let row = 0, clip = 0;
  for await (const tokens of tokensOf(subject, pixels, truths.length)) {
    for (const { token } of solids[clip++]) {
      values.set(tokens.subarray(token * width, (token + 1) * width), row++ * width);
    }
  }
  return values;
}

/** R² in % of what is true of the solids, read by ridge regression from the tokens in which they are seen. */
async function readSolids(
  subject: ClipSubject,
  architecture: VideoArchitecture,
  { train, test }: ClipEvaluationData,
): Promise<[measure: string, score: number][]> {
  const { width } = subject;
  const [fitted, measured] = [train, test].map(({ truths }) => truths.map((truth) => seenSolids(truth, architecture)));
  const values = await tokensOfSolids(subject, train, fitted),
    testValues = await tokensOfSolids(subject, test, measured);
  const first = fitted.slice(0, Math.floor(0.8 * fitted.length)).flat(), all = fitted.flat();
  return Object.entries(PROPERTIES).map(([name, property]) => {
    const rows = (values: Float32Array, solids: readonly SeenSolid[]): RegressionRows => ({
      ...{ values, width, targets: Float32Array.from(solids.flatMap(property)) },
    });
    const { r2 } = ridgeRegression(
      rows(values.subarray(0, first.length * width), first),
      rows(values.subarray(first.length * width), all.slice(first.length)),
      rows(testValues, measured.flat()),
    );
    return [`${name}, R²`, 100 * r2];
  });
}

/** Tokens with the time of each beside them, one-hot, which no probe has to find then: [N, tokens, width + times]. */
async function timedTokens(
  subject: ClipSubject,
  pixels: Uint8Array,
  labels: Int32Array,
  architecture: VideoArchitecture,
) {
  const [times] = tokenGrid(architecture), tokens = tokenCount(architecture), { width: own } = subject;
  const width = own + times, values = new Float32Array(labels.length * tokens * width);
  let row = 0;
  for await (const clip of tokensOf(subject, pixels, labels.length)) {
    for (let i = 0; i < tokens; i++, row++) {
      values.set(clip.subarray(i * own, (i + 1) * own), row * width);
      values[row * width + own + Math.floor(i * times / tokens)] = 1;
    }
  }
  return { values, tokens, width, labels };
}

/** The same averaged over the frame, times one after another: [N, times * width]. */
function overTime({ values, tokens, width, labels }: TokenFeatures, times: number): Features {
  const averaged = new Float32Array(labels.length * times * width), places = tokens / times;
  values.forEach((value, i) => {
    averaged[Math.floor(i / (places * width)) * width + i % width] += value / places;
  });
  return { values: averaged, width: times * width, labels };
}

/** Steps of the attentive probe, and clips in each. */
const ATTENTIVE_STEPS = 500, BATCH = 32;

/** Clips in % of which a linear layer, and an attentive probe, say rightly whether their halves are swapped. */
async function tellOrder(
  subject: ClipSubject,
  architecture: VideoArchitecture,
  { train, test }: ClipEvaluationData,
): Promise<[measure: string, score: number][]> {
  const [times] = tokenGrid(architecture);
  const tokensOfClips = async ({ pixels, truths: { length } }: KnownClips) => {
    const { pixels: own, labels } = withSwapped(pixels, length);
    return await timedTokens(subject, own, labels, architecture);
  };
  const fitted = await tokensOfClips(train), measured = await tokensOfClips(test);
  const attentive = { batch: BATCH, epochs: ATTENTIVE_STEPS * BATCH / fitted.labels.length };
  return [
    ["order of halves, linear", (await linearProbe(overTime(fitted, times), overTime(measured, times))).accuracy],
    ["order of halves, attentive", (await attentiveProbe(fitted, measured, attentive)).accuracy],
  ];
}

/** What the impossible clips of a law's sets are called: X that goes on as Y, and Y as X. */
const BROKEN: Readonly<Record<Law, readonly [string, string]>> = {
  existence: ["vanish", "appear"],
  place: ["jump", "jump"],
};

/** Beginnings of other clips, after which a second half is asked for too. */
const OTHER_BEGINNINGS = 8;

/**
 * The surprise at the second half of clips, plain and calibrated, [B] each.
 *
 * @param others what is predicted after the beginnings of other clips, [M] each
 */
async function surprisesAt(subject: ClipSubject, clips: readonly Uint8Array[], others: readonly Float32Array[]) {
  const plain: number[] = [], calibrated: number[] = [], pixels = new Uint8Array(clips.length * clips[0].length);
  clips.forEach((clip, i) => pixels.set(clip, i * clip.length));
  for (const [own, count] of chunks(pixels, clips.length)) {
    const predicted = ofEach(await subject.predicted(own), count), came = ofEach(await subject.came(own), count);
    came.forEach((one, i) => {
      const surprised = surprise(predicted[i], one);
      plain.push(surprised);
      calibrated.push(surprised - mean(others.map((other) => surprise(other, one))));
    });
  }
  return { plain, calibrated };
}

/**
 * How often, in %, impossible clips surprise more: than those that begin alike, by what happens; the same where the surprise
 * is calibrated; and by law, in matched sets.
 */
async function surprisedBy(
  subject: ClipSubject,
  { train, sets }: Pick<ClipEvaluationData, "train" | "sets">,
): Promise<[string, number][]> {
  const beginnings = Math.min(OTHER_BEGINNINGS, train.truths.length);
  const begun = train.pixels.subarray(0, beginnings * train.pixels.length / train.truths.length);
  const others = ofEach(await subject.predicted(begun), beginnings);
  const pairs: Record<string, [number, number][]> = {}, calibratedPairs: typeof pairs = {};
  const byLaw: [string, number][] = [];
  for (const law of LAWS) {
    const clips = sets[law].flatMap(({ possible, impossible }) => [...possible, ...impossible]);
    const { plain, calibrated } = await surprisesAt(subject, clips, others);
    const setsOf = (values: readonly number[]) =>
      sets[law].map((_, i): MatchedSet<number> => {
        const [x, y, xy, yx] = values.slice(4 * i, 4 * i + 4);
        return { possible: [x, y], impossible: [xy, yx] };
      });
    const collect = (into: typeof pairs, { possible, impossible }: MatchedSet<number>) =>
      BROKEN[law].forEach((name, i) => (into[name] ??= []).push([possible[i], impossible[i]]));
    const surprises = setsOf(plain);
    for (const set of surprises) collect(pairs, set);
    for (const set of setsOf(calibrated)) collect(calibratedPairs, set);
    byLaw.push([`surprise, sets of ${law}`, setAccuracy(surprises)]);
  }
  const named = (label: string, kinds: typeof pairs): [string, number][] => [
    ...Object.entries(kinds).map(([name, own]): [string, number] => [`${label}, ${name}`, pairwiseAccuracy(own)]),
    [`${label}, all pairs`, pairwiseAccuracy(Object.values(kinds).flat())],
  ];
  return [...named("surprise", pairs), ...named("calibrated surprise", calibratedPairs), ...byLaw];
}

/** Holds that there are as many clips as truths, and sets of each law, all of the architecture's size. */
function check(architecture: VideoArchitecture, { train, test, sets }: ClipEvaluationData): void {
  const { frames, image } = architecture, bytes = clipBytes(architecture);
  const refuse = (what: string, length: number, clips: number) => {
    if (length === clips * bytes) return;
    throw new RangeError(
      `${what}: ${length} bytes, where ${clips * bytes} make ${clips} x ${frames} frames of ${image} x ${image} RGB.`,
    );
  };
  for (const [name, { pixels, truths }] of Object.entries({ train, test })) refuse(name, pixels.length, truths.length);
  for (const law of LAWS) {
    if (sets[law].length === 0) throw new RangeError(`There is no set of clips that break the law of ${law}.`);
    sets[law].forEach(({ possible, impossible }, i) => {
      for (const clip of [...possible, ...impossible]) refuse(`${law}, set ${i}`, clip.length, 1);
    });
  }
}

/**
 * Evaluates subjects on clips of scenes in motion: R² of the solids' position, velocity and depth by ridge regression on
 * the tokens in which they are seen; accuracy of telling a clip from one whose halves are swapped, by a linear layer on
 * tokens averaged over the frame and by an attentive probe; and how often what is impossible surprises more. Calibrated, the
 * surprise at a second half is less what it is after the beginnings of eight other clips (of `train`): how hard the half is
 * to predict whatever came before, which is more where more solids are seen, is no surprise then. Deterministic.
 *
 * @param options told what is done next, and each number as it comes
 * @throws RangeError where clips are not as many as their truths, or not as long or as large as the architecture says, or
 *   a law has no sets
 */
export async function evaluateClips(
  subjects: readonly ClipSubject[],
  architecture: VideoArchitecture,
  data: ClipEvaluationData,
  { onStage, onResult }: { onStage?: (stage: string) => void; onResult?: (result: ClipMeasure) => void } = {},
): Promise<ClipMeasure[]> {
  check(architecture, data);
  const results: ClipMeasure[] = [];
  for (const subject of subjects) {
    const { name } = subject,
      add = (measure: string, score: number) => {
        results.push({ measure, subject: name, score });
        onResult?.({ measure, subject: name, score });
      };
    onStage?.(`${name}: position, velocity, depth`);
    for (const [measure, score] of await readSolids(subject, architecture, data)) add(measure, score);
    onStage?.(`${name}: order of time`);
    for (const [measure, score] of await tellOrder(subject, architecture, data)) add(measure, score);
    onStage?.(`${name}: surprise`);
    for (const [measure, score] of await surprisedBy(subject, data)) add(measure, score);
  }
  return results;
}
