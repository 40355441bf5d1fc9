import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { movingSceneOf } from "../../../lib/datasets/scenes/moving_scene.ts";
import type { ClipSubject } from "../../../lib/evaluation/video/clip_subjects.ts";
import { evaluateClips, type KnownClips, swapHalves } from "../../../lib/evaluation/video/evaluate_clips.ts";
import { seenSolids } from "../../../lib/evaluation/video/seen_solids.ts";
import { randomStream } from "../../../lib/random.ts";
import { videoPreset } from "../../../lib/video/presets.ts";

const architecture = { ...videoPreset("vjepa-scenes").architecture, image: 16, patch: 4, frames: 4, tubelet: 2 };
const bytes = 4 * 16 * 16 * 3, tokens = 2 * 16, width = 6;

/** Clips whose halves are dark and bright, and which hold nothing else but the numbers of their set and of themselves. */
function knownClips(set: number, count: number): KnownClips {
  const pixels = new Uint8Array(count * bytes);
  const truths = Array.from({ length: count }, (_, index) => {
    const clip = pixels.subarray(index * bytes, (index + 1) * bytes);
    clip.fill(50, 0, bytes / 2).fill(200, bytes / 2).set([set, index]);
    return movingSceneOf({ seed: 0, split: set, index }, { frames: 4, objects: [1, 1] });
  });
  return { pixels, truths };
}
const known = [knownClips(0, 60), knownClips(1, 40)];

/**
 * A subject that says of a clip's tokens, [N, width], what `say` does, and is surprised by the number in its first byte, after
 * the beginning of a known clip by that in its last. One number stands for a half.
 */
const subject = (name: string, say: (clip: Uint8Array, values: Float32Array) => void): ClipSubject => ({
  ...{ name, width, dispose() {} },
  tokens(pixels) {
    const clips = pixels.length / bytes, values = new Float32Array(clips * tokens * width);
    for (let i = 0; i < clips; i++) {
      say(pixels.subarray(i * bytes, (i + 1) * bytes), values.subarray(i * tokens * width, (i + 1) * tokens * width));
    }
    return Promise.resolve(values);
  },
  predicted: (pixels) => ofEach(pixels, (first, last) => last === 200 ? 0 : last - first),
  came: (pixels) => ofEach(pixels, (_, last) => last),
});

/** Of each clip a number, from its first byte and its last. */
const ofEach = (pixels: Uint8Array, numberOf: (first: number, last: number) => number) =>
  Promise.resolve(Float32Array.from({ length: pixels.length / bytes }, (_, i) => {
    return numberOf(pixels[i * bytes], pixels[(i + 1) * bytes - 1]);
  }));

/** Knows what is true of the solids, and how bright each time is. */
const knowing = subject("knowing", (clip, values) => {
  for (let i = 0; i < tokens; i++) {
    values[i * width + 5] = clip[Math.floor(2 * i / tokens) * bytes / 2 + 2] > 100 ? 1 : -1;
  }
  const [set, index] = clip;
  if (!known[set]) return; // its halves are swapped
  for (const { token, position, velocity, depth } of seenSolids(known[set].truths[index], architecture)) {
    values.set([...position, ...velocity, depth], token * width);
  }
});

/** Says what nothing follows from. */
const babbling = subject("babbling", (clip, values) => {
  const random = randomStream(clip[0] + clip[bytes / 2], clip[1] + clip[bytes / 2 + 1]); // swapped or not
  for (let i = 0; i < values.length; i++) values[i] = random.normal();
});

const clip = (first: number, last: number) => new Uint8Array(bytes).fill(first, 0, 1).fill(last, bytes - 1);

Deno.test("evaluateClips() gives all to who knows the truth, and chance to who babbles", async () => {
  const train = { pixels: known[0].pixels.subarray(0, 40 * bytes), truths: known[0].truths.slice(0, 40) },
    test = known[1];
  // Surprised by 1 and 5 of what is possible, and in both laws by a little more of what is not, taken together. The second
  // clip's second half is harder by 4, whatever came before.
  const set = { possible: [clip(1, 0), clip(5, 4)], impossible: [clip(6, 4), clip(2, 0)] } as const;
  const sets = { existence: [set, set], place: [set] };
  const results = await evaluateClips([knowing, babbling], architecture, { train, test, sets });
  const score = (subject: string, measure: string) =>
    results.find((own) => own.subject === subject && own.measure === measure)!.score;
  for (const property of ["position", "velocity", "depth"]) {
    assertAlmostEquals(score("knowing", `${property}, R²`), 100, 0.1);
    assert(score("babbling", `${property}, R²`) < 15, property);
  }
  for (const probe of ["linear", "attentive"]) {
    assertEquals(score("knowing", `order of halves, ${probe}`), 100);
    assert(Math.abs(score("babbling", `order of halves, ${probe}`) - 50) < 25);
  }
  const surprises = ["vanish", "appear", "jump", "all pairs", "sets of existence", "sets of place"];
  assertEquals(surprises.map((kind) => score("knowing", `surprise, ${kind}`)), [100, 0, 50, 50, 100, 100]);
  for (const kind of ["vanish", "appear", "jump", "all pairs"]) {
    assertEquals(score("knowing", `calibrated surprise, ${kind}`), 100);
  }
});

Deno.test("evaluateClips() refuses clips that are not as many as their truths, or of another size", async () => {
  const [train, test] = known;
  const set = { possible: [clip(1, 0), clip(5, 4)], impossible: [clip(6, 4), clip(2, 0)] } as const;
  const sets = { existence: [set], place: [set] };
  const refused = async (data: Parameters<typeof evaluateClips>[2], message: string) => {
    await assertRejects(() => evaluateClips([knowing], architecture, data), RangeError, message);
  };
  await refused(
    { train, test: { ...test, truths: test.truths.slice(0, 20) }, sets },
    `test: ${40 * bytes} bytes, where ${20 * bytes} make 20 x 4 frames`,
  );
  const short = { ...set, impossible: [clip(6, 4), clip(2, 0).subarray(1)] } as const;
  await refused(
    { train, test, sets: { ...sets, place: [short] } },
    `place, set 0: ${bytes - 1} bytes, where ${bytes} make 1 x 4`,
  );
  await refused({ train, test, sets: { ...sets, existence: [] } }, "no set of clips that break the law of existence");
});

Deno.test("swapHalves() puts the second half of a clip first", () => {
  assertEquals([...swapHalves(Uint8Array.of(1, 2, 3, 4))], [3, 4, 1, 2]);
});
