import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { encode, gatherTokens, rotationAt, tubelets } from "../../lib/jepa/encoder.ts";
import { predict } from "../../lib/jepa/predictor.ts";
import { saveEncoder, saveHuggingFace } from "../../lib/jepa/save_encoder.ts";
import type { RotaryPairing } from "../../lib/nn/rotary.ts";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { loadVideoEncoder, type VideoModel } from "../../lib/video/load_video_encoder.ts";
import { openSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { withFolder } from "../with_folder.ts";

/** What python tests/video/fixtures/vjepa2.py wrote. */
const FOLDER = new URL("fixtures/vjepa2", import.meta.url).pathname;
const { tensors } = await openSafetensors(`${FOLDER}.expected.safetensors`);

/** A tensor of these, floating-point or whole numbers. */
async function load(name: string): Promise<Tensor> {
  const { dtype, shape, data } = await tensors[name].read();
  return tf.tensor(Array.from(data as Float32Array), [...shape], dtype === "F32" ? "float32" : "int32");
}

/** Tokens of all clips, and predictions of the targets from the context's tokens, as VJEPA2Model has them: of whole clips. */
function computed({ architecture, encoder, predictor }: VideoModel, kept: Record<string, Tensor>): Tensor[] {
  return tf.tidy(() => {
    const { context, targets } = kept, { width, heads } = architecture.predictor;
    const encoded = encode(encoder, architecture, tubelets(kept.pixels, architecture)); // [B, N, D]
    const own = { ...predictor, mask_token: predictor["mask_tokens.1"] };
    const rotation = rotationAt(architecture, width / heads, tf.concat([context, targets], 1));
    const seen = gatherTokens(encoded, context), asked = tf.expandDims(targets, 0);
    const predicted = predict(own, architecture.predictor, seen, context, asked, undefined, rotation); // [1, B, T, D]
    return [encoded, tf.squeeze(predicted, [0])];
  });
}

const furthest = (a: Tensor, b: Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);

/** How far encoder and predictor lie from what transformers' computed, with one of the pairings. */
async function differences(model: VideoModel, pairing: RotaryPairing): Promise<number[]> {
  const names = ["pixels", "context", "targets", `${pairing}.encoded`, `${pairing}.predicted`];
  const kept = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await load(name)] as const)));
  const [encoded, predicted] = computed(
    { ...model, architecture: { ...model.architecture, rotary: pairing } },
    kept,
  );
  const differ = [furthest(encoded, kept[`${pairing}.encoded`]), furthest(predicted, kept[`${pairing}.predicted`])];
  tf.dispose([kept, encoded, predicted]);
  return differ;
}

Deno.test("a VJEPA2Model's folder computes here what it computes in transformers, with both pairings", async () => {
  const model = await loadVideoEncoder(FOLDER);
  assertEquals(model.architecture.rotary, "tiled");
  for (const pairing of ["tiled", "interleaved"] as const) {
    const differ = await differences(model, pairing);
    assert(differ.every((difference) => difference < 1e-4), `${pairing}: ${differ}`);
  }
  // And the pairings are not the same.
  const [tiled, interleaved] = [await load("tiled.encoded"), await load("interleaved.encoded")];
  assert(furthest(tiled, interleaved) > 0.1);
  tf.dispose([tiled, interleaved, model.encoder, model.predictor]);
});

Deno.test("an encoder of clips written in either layout has the same numbers when it is read again", async () => {
  const { architecture, encoder, predictor } = await loadVideoEncoder(FOLDER);
  const { predictor: narrow, ...size } = architecture;
  const whole = { size, parameters: encoder, predictor: { size: narrow, parameters: predictor } };
  await withFolder(async (dir) => {
    await saveHuggingFace(`${dir}/theirs`, whole);
    await saveEncoder(`${dir}/ours.safetensors`, whole, { dtype: "F16" });
    for (const path of [`${dir}/theirs`, `${dir}/ours.safetensors`]) {
      const again = await loadVideoEncoder(path);
      assertEquals(again.architecture, architecture);
      for (const part of ["encoder", "predictor"] as const) {
        const before = { encoder, predictor }[part];
        assertEquals(Object.keys(again[part]), Object.keys(before));
        for (const name of Object.keys(before)) {
          assertEquals(again[part][name].dataSync(), before[name].dataSync(), name);
        }
      }
      tf.dispose([again.encoder, again.predictor]);
    }
    const config = JSON.parse(await Deno.readTextFile(`${dir}/theirs/config.json`));
    const original = JSON.parse(await Deno.readTextFile(`${FOLDER}/config.json`));
    for (const key of Object.keys(config)) assertEquals(config[key], original[key], key);
  });
  tf.dispose([encoder, predictor]);
});

Deno.test("what is no VJEPA2Model of V-JEPA 2 is refused in one sentence", async () => {
  await withFolder(async (dir) => {
    const config = JSON.parse(await Deno.readTextFile(`${FOLDER}/config.json`));
    await Deno.copyFile(`${FOLDER}/model.safetensors`, `${dir}/model.safetensors`);
    const refused = async (changed: Record<string, unknown>, why: string) => {
      await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify({ ...config, ...changed }));
      await assertRejects(() => loadVideoEncoder(dir), Error, why);
    };
    await refused({ interpolate_rope: true }, "interpolate_rope is of V-JEPA 2.1, and only V-JEPA 2 can be loaded.");
    await refused({ hidden_act: "relu" }, 'hidden_act is "relu", and the encoder needs "gelu".');
    await refused(
      { pred_num_mask_tokens: 4 },
      'pred_num_mask_tokens is 4, but "predictor.embeddings.mask_tokens" holds 3.',
    );
    await refused({ num_hidden_layers: 3 }, 'lacks tensor "encoder.layer.2.attention.proj.weight".');
    await refused({ patch_size: 5 }, "patch_size is 5, which does not divide crop_size, 12.");
  });
});

Deno.test("an encoder of images is refused where one of clips is asked for, and clips without rotary positions by the layout", async () => {
  const images = new URL("../../weights/scenes", import.meta.url).pathname;
  await assertRejects(() => loadVideoEncoder(images), Error, `${images} encodes images, not clips.`);
  const { architecture, encoder, predictor } = await loadVideoEncoder(FOLDER);
  const { predictor: narrow, rotary: _, ...size } = architecture;
  const added = { size, parameters: encoder, predictor: { size: narrow, parameters: predictor } };
  const why = 'its positions are sine-cosine, and rotary "tiled" is what it has.';
  await withFolder(async (dir) => {
    await assertRejects(() => saveHuggingFace(`${dir}/theirs`, added), RangeError, why);
  });
  tf.dispose([encoder, predictor]);
});
