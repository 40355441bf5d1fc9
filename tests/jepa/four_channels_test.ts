import "../tensorflow/loaded.ts";
import { assert, assertEquals } from "@std/assert";
import ort from "npm:onnxruntime-node@1.30.0";
import { encodeImages } from "../../lib/evaluation/features/encode_images.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { saveHuggingFace, saveOnnx } from "../../lib/jepa/save_encoder.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { readNpy } from "../../lib/weights/formats/npy.ts";
import { readSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { withFolder } from "../with_folder.ts";

/** Made by fixtures/four_channels.py. */
const FOLDER = new URL("fixtures/four_channels", import.meta.url).pathname;

const farthest = (a: Float32Array, b: Float32Array) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

Deno.test("transformers' encoder of four channels computes here what it does there, and is exported as it was", () =>
  withFolder(async (dir) => {
    const loaded = await loadEncoder(FOLDER), { size, parameters, preprocessing } = loaded;
    assertEquals([size.channels, preprocessing?.mean], [4, [1.5, 2.5, 3, 9]]);
    const hidden = (await readSafetensors(`${FOLDER}/hidden.safetensors`)).tensors.hidden.data as Float32Array;
    const image = { name: "image", path: `${FOLDER}/image.npy` };
    const options = { pool: "none", preprocessing } as const;
    assertEquals(await encodeImages(parameters, size, [image], `${dir}/ours.npy`, options), [1, 4, 16]);
    assert(farthest((await readNpy(`${dir}/ours.npy`)).values, hidden) < 1e-5);

    await saveHuggingFace(`${dir}/saved`, { size, parameters, preprocessing });
    const [theirs, ours] = await Promise.all(
      [FOLDER, `${dir}/saved`].map((folder) => readSafetensors(`${folder}/model.safetensors`)),
    );
    for (const [name, { data }] of Object.entries(ours.tensors)) assertEquals(data, theirs.tensors[name].data, name);
    const config = JSON.parse(await Deno.readTextFile(`${dir}/saved/config.json`));
    assertEquals([config.num_channels, Object.keys(ours.tensors).length], [4, Object.keys(theirs.tensors).length]);
    const again = await loadEncoder(`${dir}/saved`);
    assertEquals([again.size, again.preprocessing], [size, preprocessing]);

    const { values } = await readNpy(image.path), { mean, deviation } = preprocessing!;
    const standardised = Float32Array.from(values, (_, i) => { // [C, H, W]
      const channel = Math.floor(i / 64);
      return (values[i % 64 * 4 + channel] / 255 - mean[channel]) / deviation[channel];
    });
    const session = await ort.InferenceSession.create(await saveOnnx(`${dir}/saved`, loaded));
    const given = new ort.Tensor("float32", standardised, [1, 4, 8, 8]);
    const { last_hidden_state: out } = await session.run({ pixel_values: given });
    assert(farthest(out.data as Float32Array, hidden) < 1e-5);
    await session.release();
    tf.dispose([parameters, again.parameters]);
  }));
