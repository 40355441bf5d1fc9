import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Preprocessing, readPreprocessorConfig } from "../../lib/datasets/pixels/preprocessing.ts";
import { type HuggingFaceSize, openHuggingFace, writeHuggingFace } from "../../lib/weights/hugging_face.ts";
import { readSafetensors, writeSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { type HostTensor, lentValues } from "../../lib/weights/formats/tensors.ts";

const size: HuggingFaceSize = { image: 8, patch: 4, width: 4, depth: 2, heads: 2, mlpRatio: 1.5, epsilon: 1e-5 };
const preprocessing: Preprocessing = {
  ...{ resize: 10, crop: 8, interpolation: "bicubic", mean: [0.1, 0.2, 0.3], deviation: [0.4, 0.5, 0.6] },
};

/** An encoder's tensors, each number another one. */
function tensors(): Record<string, HostTensor> {
  let next = 0;
  const tensor = (...shape: number[]): HostTensor => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next++);
    return { dtype: "F32", shape, data };
  };
  const layer = (name: string, ...weight: number[]) => ({
    [`${name}.weight`]: tensor(...weight),
    [`${name}.bias`]: tensor(weight[0]),
  });
  return {
    ...layer("patch_embed.proj", 4, 3, 4, 4),
    "pos_embed": tensor(1, 4, 4),
    ...Object.assign(
      {},
      ...[0, 1].map((i) => ({
        ...layer(`blocks.${i}.norm1`, 4),
        ...layer(`blocks.${i}.attn.qkv`, 12, 4),
        ...layer(`blocks.${i}.attn.proj`, 4, 4),
        ...layer(`blocks.${i}.norm2`, 4),
        ...layer(`blocks.${i}.mlp.fc1`, 6, 4),
        ...layer(`blocks.${i}.mlp.fc2`, 4, 6),
      })),
    ),
    ...layer("norm", 4),
  };
}

const lentTensors = () =>
  Object.fromEntries(Object.entries(tensors()).map(([name, tensor]) => [name, lentValues(tensor)]));

/** A folder with this encoder in the Hugging Face layout. */
async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "hugging_face_test_" });
  try {
    await writeHuggingFace(folder, size, lentTensors(), preprocessing);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function changeConfig(folder: string, changes: Record<string, unknown>) {
  const config = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ ...config, ...changes }));
}

Deno.test("openHuggingFace() reads what writeHuggingFace() wrote, and splits and joins query, key and value", () =>
  withFolder(async (folder) => {
    const opened = await openHuggingFace(folder);
    assertEquals(opened.size, size);
    const read = await Promise.all(
      Object.entries(opened.tensors).map(async ([name, tensor]) => [name, await tensor.read()] as const),
    );
    const sorted = (entries: Iterable<readonly [string, HostTensor]>) =>
      [...entries].toSorted(([a], [b]) => a < b ? -1 : 1);
    assertEquals(sorted(read), sorted(Object.entries(tensors())));
    const { tensors: theirs } = await readSafetensors(`${folder}/model.safetensors`);
    const qkv = tensors()["blocks.1.attn.qkv.weight"];
    assertEquals(theirs["encoder.layer.1.attention.attention.key.weight"].data, qkv.data.slice(16, 32));
    assertEquals(await readPreprocessorConfig(`${folder}/preprocessor_config.json`), preprocessing);
  }));

Deno.test("openHuggingFace() leaves a classifier aside, and keeps the name of a tensor that it does not know", () =>
  withFolder(async (folder) => {
    const path = `${folder}/model.safetensors`,
      one: HostTensor = { dtype: "F32", shape: [1], data: Float32Array.of(1) };
    const { tensors: theirs } = await readSafetensors(path);
    const wrapped = Object.fromEntries(Object.entries(theirs).map(([name, tensor]) => [`ijepa.${name}`, tensor]));
    await writeSafetensors(path, {
      ...wrapped,
      "classifier.weight": one,
      "pooler.dense.bias": one,
      "ijepa.extra.scale": one,
    });
    const opened = await openHuggingFace(folder), names = Object.keys(opened.tensors);
    assertEquals(names.filter((name) => !Object.hasOwn(tensors(), name)), ["extra.scale"]);
    assertEquals([opened.prefix, opened.aside.toSorted()], ["ijepa.", ["classifier.weight", "pooler.dense.bias"]]);
    await writeSafetensors(path, { ...wrapped, "layernorm.bias": one });
    await assertRejects(
      () => openHuggingFace(folder),
      Error,
      `tensor "layernorm.bias" both with and without "ijepa." before it`,
    );
  }));

/** The names that transformers 5.24 has in memory, for those in its files. */
const renamed = (name: string) =>
  name.replace("encoder.layer.", "layers.").replace("attention.attention.query", "attention.q_proj")
    .replace("attention.attention.key", "attention.k_proj").replace("attention.attention.value", "attention.v_proj")
    .replace("attention.output.dense", "attention.o_proj").replace("intermediate.dense", "mlp.fc1")
    .replace("output.dense", "mlp.fc2");

Deno.test("openHuggingFace() reads transformers' old names and its new ones, under any prefix, in one file or several", () =>
  withFolder(async (folder) => {
    const path = `${folder}/model.safetensors`, { tensors: theirs } = await readSafetensors(path);
    const biased = "attention.q_proj.bias", expected = Object.keys(tensors()).sort();
    for (const prefix of ["", "_orig_mod.", "module._orig_mod.ijepa.", "vision.encoder."]) {
      const changed = Object.entries(theirs).map(([name, tensor]) => [prefix + renamed(name), tensor] as const);
      await writeSafetensors(path, Object.fromEntries(changed));
      const opened = await openHuggingFace(folder);
      assertEquals(Object.keys(opened.tensors).sort(), expected);
      assertEquals([opened.prefix, opened.aside], [prefix, []]);
      const qkv = await opened.tensors["blocks.1.attn.qkv.weight"].read();
      assertEquals(qkv, tensors()["blocks.1.attn.qkv.weight"]);

      const places = changed.map(([name], i) => [name, `${i % 2}.safetensors`] as const);
      const index = JSON.stringify({ weight_map: Object.fromEntries(places) });
      await Deno.writeTextFile(`${path}.index.json`, index);
      for (const half of [0, 1]) {
        const part = Object.fromEntries(changed.filter((_, i) => i % 2 === half));
        await writeSafetensors(`${folder}/${half}.safetensors`, part);
      }
      await Deno.remove(path);
      assertEquals(Object.keys((await openHuggingFace(folder)).tensors).sort(), expected);

      const without = changed.filter(([name]) => !name.endsWith(`0.${biased}`));
      await writeSafetensors(path, Object.fromEntries(without));
      await assertRejects(() => openHuggingFace(folder), Error, `lacks tensor "${prefix}layers.0.${biased}"`);
    }
  }));

Deno.test("openHuggingFace() takes zeros for the biases that a model with qkv_bias false has not", () =>
  withFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    const { tensors: theirs } = await readSafetensors(path);
    const without = Object.entries(theirs).filter(([name]) => !/(query|key|value)\.bias$/.test(name));
    await writeSafetensors(path, Object.fromEntries(without));
    await assertRejects(
      () => openHuggingFace(folder),
      Error,
      `lacks tensor "encoder.layer.0.attention.attention.query.bias"`,
    );
    await changeConfig(folder, { qkv_bias: false });
    const bias = (await openHuggingFace(folder)).tensors["blocks.0.attn.qkv.bias"];
    assertEquals(await bias.read(), { dtype: "F32", shape: [12], data: new Float32Array(12) });
  }));

Deno.test("openHuggingFace() names file and key where the configuration is not an I-JEPA encoder's", () =>
  withFolder(async (folder) => {
    const cases: [Record<string, unknown>, string][] = [
      [{ model_type: "vit", architectures: ["ViTModel"] }, `model_type is "vit" (ViTModel), and only "ijepa" can`],
      [{ hidden_act: "gelu_new" }, `hidden_act is "gelu_new"`],
      [{ num_channels: 0 }, "num_channels is 0"],
      [{ image_size: [8, 12] }, "image_size is [8,12]"],
      [{ patch_size: 0 }, "patch_size is 0"],
      [{ image_size: 10 }, "image_size is 10, and the encoder needs a multiple of patch_size, 4"],
      [{ hidden_size: "4" }, `hidden_size is "4"`],
      [{ num_attention_heads: 3 }, "num_attention_heads is 3, and the encoder needs a divisor of hidden_size, 4"],
      [{ head_dim: 4 }, "head_dim is 4, and the encoder needs 2"],
      [{ layer_norm_eps: -1 }, "layer_norm_eps is -1"],
      [{ qkv_bias: 1 }, "qkv_bias is 1"],
      [{ num_hidden_layers: 3 }, "num_hidden_layers is 3, but there are the tensors of 2 layers"],
      [{ num_hidden_layers: 1e9 }, "num_hidden_layers is 1000000000, but"],
    ];
    const original = await Deno.readTextFile(`${folder}/config.json`);
    for (const [changes, message] of cases) {
      await changeConfig(folder, changes);
      const error = await assertRejects(() => openHuggingFace(folder), Error, message);
      assertStringIncludes(error.message, `${folder}/config.json`);
      await Deno.writeTextFile(`${folder}/config.json`, original);
    }
    for (const [text, message] of [["{", "is not JSON"], ["[]", "is not a JSON object"]]) {
      await Deno.writeTextFile(`${folder}/config.json`, text);
      await assertRejects(() => openHuggingFace(folder), Error, `${folder}/config.json ${message}`);
    }
  }));

Deno.test("openHuggingFace() reads shards, and names the tensor that an index misplaces", () =>
  withFolder(async (folder) => {
    const { tensors: theirs } = await readSafetensors(`${folder}/model.safetensors`);
    const names = Object.keys(theirs), half = names.length >> 1;
    const part = (from: number, to?: number) =>
      Object.fromEntries(names.slice(from, to).map((name) => [name, theirs[name]]));
    await writeSafetensors(`${folder}/a.safetensors`, part(0, half));
    await writeSafetensors(`${folder}/b.safetensors`, part(half));
    await Deno.remove(`${folder}/model.safetensors`);
    const map = Object.fromEntries(names.map((name, i) => [name, `${i < half ? "a" : "b"}.safetensors`]));
    const write = (index: unknown) =>
      Deno.writeTextFile(`${folder}/model.safetensors.index.json`, JSON.stringify(index));
    await write({ weight_map: map });
    assertEquals(Object.keys((await openHuggingFace(folder)).tensors).length, Object.keys(tensors()).length);

    const named = await openHuggingFace(folder, "b.safetensors"); // one of several: all of them
    assertEquals(Object.keys(named.tensors).length, Object.keys(tensors()).length);
    await writeSafetensors(`${folder}/model.safetensors`, theirs);
    await write({ weight_map: { ghost: "a.safetensors" } }); // not looked at beside model.safetensors
    assertEquals(Object.keys((await openHuggingFace(folder)).tensors).length, Object.keys(tensors()).length);
    await Deno.remove(`${folder}/model.safetensors`);

    const refused = async (index: unknown, message: string) => {
      await write(index);
      const error = await assertRejects(() => openHuggingFace(folder), Error, message);
      assertStringIncludes(error.message, folder);
    };
    await refused({ weight_map: [] }, "has no weight_map");
    await refused({ weight_map: { ...map, [names[0]]: "../a.safetensors" } }, `places tensor "${names[0]}" in no`);
    await refused({ weight_map: { ...map, [names[0]]: "b.safetensors" } }, `holds tensor "${names[0]}", which`);
    await refused({ weight_map: { ...map, ghost: "a.safetensors" } }, `lacks tensor "ghost"`);
    await refused(
      { weight_map: { ...map, x: "c.safetensors", y: "d.safetensors" } },
      "lacks c.safetensors, and 1 more",
    );
  }));

Deno.test("writeHuggingFace() replaces an encoder of its layout, and leaves a run or another model as it is", () =>
  withFolder(async (folder) => {
    const write = () => writeHuggingFace(folder, size, lentTensors(), preprocessing);
    await write();
    const listing = async () => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    const refused = async (held: string) => {
      const before = await listing(), config = await Deno.readTextFile(`${folder}/config.json`);
      const error = await assertRejects(write, Error, `${folder} holds ${held}, which stays`);
      assertStringIncludes(error.message, "write the encoder into another folder");
      assertEquals([await listing(), await Deno.readTextFile(`${folder}/config.json`)], [before, config]);
    };
    for (const name of ["checkpoint.safetensors", "checkpoint-00000400.safetensors"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
      await refused(`${name} of a run`);
      await Deno.remove(`${folder}/${name}`);
    }
    for (const name of ["model.safetensors", "preprocessor_config.json"]) await Deno.remove(`${folder}/${name}`);
    for (const config of [{ architecture: {}, seed: 0 }, { model_type: "vit" }]) {
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
      await refused("a config.json that is no IJepaModel's");
    }
  }));
