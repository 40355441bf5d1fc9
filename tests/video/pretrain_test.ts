import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { memoryClips } from "../../lib/datasets/clips/memory_clips.ts";
import { tubelets } from "../../lib/jepa/encoder.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { pretrainVideo } from "../../lib/video/pretrain.ts";
import { videoPreset, type VjepaConfig } from "../../lib/video/presets.ts";
import { withFolder } from "../with_folder.ts";

const preset = videoPreset("vjepa-scenes");
const tiny: VjepaConfig = {
  ...preset,
  architecture: {
    ...preset.architecture,
    image: 16,
    patch: 4,
    width: 16,
    depth: 1,
    heads: 2,
    predictor: { width: 16, depth: 1, heads: 2, maskTokens: 2 },
  },
  masks: [{ blocks: 2, scale: [0.25, 0.4] }, { blocks: 0, scale: [1, 1], contextTime: 0.5 }],
  batch: 4,
  epochs: 3,
  precision: "float32",
};

const clipsOf = (frames: number) => {
  const pixels = Uint8Array.from({ length: 4 * frames * 16 * 16 * 3 }, (_, i) => (i * 2654435761) >>> 24);
  return memoryClips({ name: "noise", pixels, frames, height: 16, width: 16 });
};

Deno.test("a run of V-JEPA ends with an encoder and a predictor that loadEncoder() reads", async () => {
  await withFolder(async (dir) => {
    const run = await pretrainVideo(tiny, clipsOf(10), { dir: `${dir}/run` });
    assertEquals(run.log.length, 3);
    assert(run.log.every(({ loss, prediction }) => Number.isFinite(loss) && prediction > 0));
    const { size, parameters, predictor } = await loadEncoder(`${dir}/run`);
    assertEquals([size.frames, size.tubelet, predictor?.size.maskTokens], [8, 2, 2]);
    assertEquals(parameters["patch_embed.proj.weight"].shape, [16, 3, 2, 4, 4]);
    assertEquals(parameters.pos_embed.dataSync(), run.targetEncoder.pos_embed.dataSync());
    tf.dispose([run.targetEncoder, run.predictor, parameters, predictor!.parameters]);
  });
});

Deno.test("clips that are shorter than a window are refused in one sentence", async () => {
  await withFolder(async (dir) => {
    const why = "noise: clip 0 has 7 frames, and a window spans 8: leave it out, or take fewer frames or denser ones.";
    await assertRejects(() => pretrainVideo(tiny, clipsOf(7), { dir: `${dir}/run` }), RangeError, why);
  });
});

Deno.test("tubelets are in the order of a three-dimensional convolution's weights: channel, time, row, column", () => {
  const pixels = tf.tensor(Int32Array.from({ length: 2 * 4 * 2 * 2 * 3 }, (_, i) => i), [2, 4, 2, 2, 3], "int32");
  const plain = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] };
  const tokens = tubelets(pixels, { patch: 2, tubelet: 2 }, plain);
  assertEquals(tokens.shape, [2, 2, 24]);
  const values = Array.from(tokens.dataSync(), Math.round), expected: number[] = [];
  for (const frame of [0, 2, 4, 6]) {
    for (const channel of [0, 1, 2]) {
      for (const t of [0, 1]) for (const place of [0, 1, 2, 3]) expected.push((frame + t) * 12 + place * 3 + channel);
    }
  }
  assertEquals(values, expected);
  tf.dispose([pixels, tokens]);
});
