/**
 * Encoders in the Hugging Face layout, a folder with config.json and model.safetensors (or several, with an index), as
 * transformers' IJepaModel has them, here under the authors' names.
 *
 * @module
 */
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";
import { checkpointsIn } from "./checkpoint_names.ts";
import { findEncoder, type FoundEncoder } from "./find_encoder.ts";
import { openShards, readObject } from "./hugging_face_files.ts";
import { writeSafetensors } from "./formats/safetensors.ts";
import { elementsOf, type HostTensor, type LentTensor, type StoredTensor } from "./formats/tensors.ts";
import { makeFolder, writeFile } from "../write_file.ts";

/** What a config.json says of an IJepaModel. */
export interface HuggingFaceSize {
  /** image_size, in pixels. */
  image: number;
  /** patch_size, in pixels. */
  patch: number;
  /** num_channels; left out for 3. */
  channels?: number;
  /** hidden_size. */
  width: number;
  /** num_hidden_layers. */
  depth: number;
  /** num_attention_heads, a divisor of the width. */
  heads: number;
  /** intermediate_size / hidden_size. */
  mlpRatio: number;
  /** layer_norm_eps. */
  epsilon: number;
}

/** transformers' defaults, for what a config.json leaves out. */
const DEFAULTS: Record<string, unknown> = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: "gelu",
  layer_norm_eps: 1e-12,
  image_size: 224,
  patch_size: 16,
  num_channels: 3,
  qkv_bias: true,
};

/**
 * The layers whose names differ, before ".weight" and ".bias"; N is the block's number. transformers renamed them (5.24 has
 * the new names in memory, and in files with save_original_format=False), and reads both.
 */
const LAYERS: { old: string; renamed: string; ours: string }[] = [
  {
    old: "embeddings.patch_embeddings.projection",
    renamed: "embeddings.patch_embeddings.projection",
    ours: "patch_embed.proj",
  },
  { old: "encoder.layer.N.layernorm_before", renamed: "layers.N.layernorm_before", ours: "blocks.N.norm1" },
  { old: "encoder.layer.N.attention.output.dense", renamed: "layers.N.attention.o_proj", ours: "blocks.N.attn.proj" },
  { old: "encoder.layer.N.layernorm_after", renamed: "layers.N.layernorm_after", ours: "blocks.N.norm2" },
  { old: "encoder.layer.N.intermediate.dense", renamed: "layers.N.mlp.fc1", ours: "blocks.N.mlp.fc1" },
  { old: "encoder.layer.N.output.dense", renamed: "layers.N.mlp.fc2", ours: "blocks.N.mlp.fc2" },
  { old: "layernorm", renamed: "layernorm", ours: "norm" },
];

/** What stands in the file for the authors' attn.qkv, in its order. */
const PARTS: { old: string; renamed: string }[] = [
  { old: "encoder.layer.N.attention.attention.query", renamed: "layers.N.attention.q_proj" },
  { old: "encoder.layer.N.attention.attention.key", renamed: "layers.N.attention.k_proj" },
  { old: "encoder.layer.N.attention.attention.value", renamed: "layers.N.attention.v_proj" },
];

function parseConfig(path: string, config: Record<string, unknown>): HuggingFaceSize & { biased: boolean } {
  const given = (key: string) => config[key] ?? DEFAULTS[key];
  const refuse = (key: string, wanted: string): never => {
    throw new Error(`${path}: ${key} is ${JSON.stringify(given(key))}, and the encoder needs ${wanted}.`);
  };
  const whole = (key: string) => {
    const value = given(key);
    return Number.isSafeInteger(value) && value as number > 0 ? value as number : refuse(key, "a whole number above 0");
  };
  /** A side, or two that are the same. */
  const side = (key: string) => {
    const value = given(key);
    const sides: unknown[] = Array.isArray(value) ? value : [value, value];
    if (sides.length !== 2 || sides[0] !== sides[1]) refuse(key, "a square");
    return Number.isSafeInteger(sides[0]) && sides[0] as number > 0 ? sides[0] as number : refuse(key, "a square");
  };
  if (config.model_type !== "ijepa") {
    const { model_type, architectures } = config;
    const of = Array.isArray(architectures) ? ` (${architectures.join(", ")})` : "";
    throw new Error(`${path}: model_type is ${JSON.stringify(model_type)}${of}, and only "ijepa" can be loaded.`);
  }
  if (given("hidden_act") !== "gelu") refuse("hidden_act", `"gelu", the exact one`);
  const epsilon = given("layer_norm_eps"), biased = given("qkv_bias");
  if (typeof epsilon !== "number" || !(epsilon > 0 && epsilon < 1)) refuse("layer_norm_eps", "a small number above 0");
  if (typeof biased !== "boolean") refuse("qkv_bias", "true or false");
  const width = whole("hidden_size"), heads = whole("num_attention_heads");
  if (width % heads !== 0) refuse("num_attention_heads", `a divisor of hidden_size, ${width}`);
  if (config.head_dim !== undefined && config.head_dim !== width / heads) refuse("head_dim", `${width / heads}`);
  const image = side("image_size"), patch = side("patch_size"), channels = whole("num_channels");
  if (image % patch !== 0) refuse("image_size", `a multiple of patch_size, ${patch}`);
  return {
    ...channels === 3 ? {} : { channels },
    ...{ image, patch, width, depth: whole("num_hidden_layers"), heads },
    ...{ mlpRatio: whole("intermediate_size") / width, epsilon: epsilon as number, biased: biased as boolean },
  };
}

/** Tensors one below the other, along their first axis. */
export function stacked(parts: StoredTensor[]): StoredTensor {
  const [{ dtype, shape: [rows, ...rest] }] = parts;
  return {
    dtype,
    shape: [rows * parts.length, ...rest],
    async read() {
      const [first, ...others] = await Promise.all(parts.map((part) => part.read()));
      const data = new (first.data.constructor as Float32ArrayConstructor)(first.data.length * parts.length);
      [first, ...others].forEach((part, i) => data.set(part.data as Float32Array, i * first.data.length));
      return { dtype, shape: [rows * parts.length, ...rest], data } as HostTensor;
    },
  };
}

/** The biases that a model with qkv_bias false does without. */
function zeros(shape: number[]): StoredTensor {
  const read = () => Promise.resolve<HostTensor>({ dtype: "F32", shape, data: new Float32Array(elementsOf(shape)) });
  return { dtype: "F32", shape, read };
}

/**
 * Opens the encoder in a folder of the Hugging Face layout, an IJepaModel or a model around it, such as
 * IJepaForImageClassification, whose head is left aside. Its tensors get the authors' names (query, key and value joined
 * to attn.qkv); a tensor whose name is none of an encoder's keeps it.
 *
 * @param file a safetensors file in the folder to read instead of model.safetensors or what the index lists
 * @throws Error that names file and key or tensor where the configuration is not an I-JEPA encoder's, or files are missing
 *   or damaged
 */
export async function openHuggingFace(
  folder: string,
  file?: string,
): Promise<FoundEncoder & { size: HuggingFaceSize }> {
  const path = `${folder}/config.json`;
  const { biased, ...size } = parseConfig(path, await readObject(path));
  const { prefix, tensors: found, aside } = findEncoder(folder, await openShards(folder, file));
  const stored = new Map(Object.entries(found)), names = [...stored.keys()];
  const naming = names.some((name) => /^layers\.\d+\./.test(name)) ? "renamed" : "old";
  const blocks = names.filter((name) => /^(encoder\.layer|layers)\.\d+\.layernorm_before\.weight$/.test(name)).length;
  if (blocks !== size.depth) {
    throw new Error(`${path}: num_hidden_layers is ${size.depth}, but there are the tensors of ${blocks} layers.`);
  }

  const tensors = new Map<string, StoredTensor>();
  const missing = (name: string): never => {
    throw new Error(`${folder} lacks tensor "${prefix}${name}".`);
  };
  const move = (theirs: string, ours: string) => {
    tensors.set(ours, stored.get(theirs) ?? missing(theirs));
    stored.delete(theirs);
  };
  const join = (block: number, kind: "weight" | "bias") => {
    const names = PARTS.map((part) => `${part[naming].replace("N", `${block}`)}.${kind}`);
    const parts = names.map((name) => stored.get(name) ?? missing(name));
    const other = parts.findIndex(({ dtype, shape }) => dtype !== parts[0].dtype || `${shape}` !== `${parts[0].shape}`);
    if (other > 0) throw new Error(`${folder}: tensor "${names[other]}" has not the shape and dtype of "${names[0]}".`);
    names.forEach((name) => stored.delete(name));
    tensors.set(`blocks.${block}.attn.qkv.${kind}`, stacked(parts));
  };
  move("embeddings.position_embeddings", "pos_embed");
  for (const { [naming]: theirs, ours } of LAYERS) {
    for (let block = 0; block < (theirs.includes("N") ? size.depth : 1); block++) {
      for (const kind of ["weight", "bias"]) {
        move(`${theirs.replace("N", `${block}`)}.${kind}`, `${ours.replace("N", `${block}`)}.${kind}`);
      }
    }
  }
  for (let block = 0; block < size.depth; block++) {
    join(block, "weight");
    if (biased) join(block, "bias");
    else tensors.set(`blocks.${block}.attn.qkv.bias`, zeros([3 * size.width]));
  }
  for (const [name, tensor] of stored) tensors.set(name, tensor);
  return { size, prefix, aside, tensors: Object.fromEntries(tensors) };
}

/** One of the equal parts of a tensor along its first axis. */
export function partOf({ dtype, shape: [rows, ...rest], lend }: LentTensor, part: number, parts: number): LentTensor {
  return {
    dtype,
    shape: [rows / parts, ...rest],
    lend: (use) => lend((bytes) => use(bytes.subarray(part * bytes.length / parts, (part + 1) * bytes.length / parts))),
  };
}

/** preprocessor_config.json's content. */
function preprocessorConfig({ resize, crop, interpolation, mean, deviation }: Preprocessing): Record<string, unknown> {
  const square = typeof resize !== "number" && resize[0] === crop && resize[1] === crop;
  return {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: typeof resize === "number" ? { shortest_edge: resize } : { height: resize[0], width: resize[1] },
    resample: interpolation === "bilinear" ? 2 : 3,
    ...(square ? {} : { do_center_crop: true, crop_size: { height: crop, width: crop } }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: deviation,
  };
}

/** The classes that load what is written here, by their model_type. */
const CLASSES = { "ijepa": "IJepaModel", "vjepa2": "VJEPA2Model" };

/** Holds that a folder is free of another model's files, or a run's, which would be overwritten or mixed up. */
export async function checkFree(folder: string, model: keyof typeof CLASSES): Promise<void> {
  const config = await readObject(`${folder}/config.json`).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  const [checkpoint] = await checkpointsIn(folder);
  if (!checkpoint && (!config || config.model_type === model)) return;
  const held = checkpoint ? `${checkpoint} of a run` : `a config.json that is no ${CLASSES[model]}'s`;
  throw new Error(`${folder} holds ${held}, which stays: write the encoder into another folder.`);
}

/**
 * Writes an encoder in the Hugging Face layout into a folder, which is made where it is missing: model.safetensors,
 * preprocessor_config.json and, last, config.json. Tensors have the old names, which every transformers reads: it loads it
 * with IJepaModel.from_pretrained(folder).
 *
 * @param tensors all of the encoder's, under the authors' names
 * @throws Error where the folder holds a run, or a config.json of anything but an IJepaModel
 */
export async function writeHuggingFace(
  folder: string,
  { image, patch, channels = 3, width, depth, heads, mlpRatio, epsilon }: HuggingFaceSize,
  tensors: Record<string, LentTensor>,
  preprocessing: Preprocessing,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await checkFree(folder, "ijepa");
  const theirs: [string, LentTensor][] = [["embeddings.position_embeddings", tensors["pos_embed"]]];
  for (const kind of ["weight", "bias"]) {
    for (const { old, ours } of LAYERS) {
      for (let block = 0; block < (old.includes("N") ? depth : 1); block++) {
        const tensor = tensors[`${ours.replace("N", `${block}`)}.${kind}`];
        theirs.push([`${old.replace("N", `${block}`)}.${kind}`, tensor]);
      }
    }
    for (let block = 0; block < depth; block++) {
      const joined = tensors[`blocks.${block}.attn.qkv.${kind}`];
      PARTS.forEach(({ old }, i) => {
        theirs.push([`${old.replace("N", `${block}`)}.${kind}`, partOf(joined, i, PARTS.length)]);
      });
    }
  }
  const config = {
    architectures: ["IJepaModel"],
    model_type: "ijepa",
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: Math.round(width * mlpRatio),
    hidden_act: "gelu",
    layer_norm_eps: epsilon,
    image_size: image,
    patch_size: patch,
    num_channels: channels,
    qkv_bias: true,
  };
  const toJson = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await makeFolder(folder);
  await writeSafetensors(`${folder}/model.safetensors`, Object.fromEntries(theirs), { format: "pt" }, { onProgress });
  await writeFile(`${folder}/preprocessor_config.json`, toJson(preprocessorConfig(preprocessing)));
  await writeFile(`${folder}/config.json`, toJson(config));
}
