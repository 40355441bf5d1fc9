/**
 * Encoders in the Hugging Face layout, a folder with config.json and model.safetensors (or several, with an index), as
 * transformers' IJepaModel has them, here under the authors' names.
 *
 * @module
 */
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";
import { checkpointsIn } from "./checkpoint_names.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import { elementsOf, type HostTensor, type LentTensor, type StoredTensor } from "./tensors.ts";

/** What a config.json says of an IJepaModel. */
export interface HuggingFaceSize {
  /** image_size, in pixels. */
  image: number;
  /** patch_size, in pixels. */
  patch: number;
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

/** The layers whose names differ, theirs and the authors', before ".weight" and ".bias"; N is the block's number. */
const NAMES: [string, string][] = [
  ["embeddings.patch_embeddings.projection", "patch_embed.proj"],
  ["encoder.layer.N.layernorm_before", "blocks.N.norm1"],
  ["encoder.layer.N.attention.output.dense", "blocks.N.attn.proj"],
  ["encoder.layer.N.layernorm_after", "blocks.N.norm2"],
  ["encoder.layer.N.intermediate.dense", "blocks.N.mlp.fc1"],
  ["encoder.layer.N.output.dense", "blocks.N.mlp.fc2"],
  ["layernorm", "norm"],
];

/** What stands in the file for the authors' attn.qkv, in its order. */
const PARTS = ["query", "key", "value"];

/** Tensors of models around the encoder (a head, a pooler, what masks images), which the encoder does without. */
const OUTSIDE = /^(classifier|pooler)\.|^embeddings\.mask_token$/;

/** A JSON file that holds an object. */
async function readObject(path: string): Promise<Record<string, unknown>> {
  const text = await Deno.readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${path} is not JSON.`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${path} is not a JSON object.`);
}

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
    throw new Error(`${path}: model_type is ${JSON.stringify(config.model_type)}, and only "ijepa" can be loaded.`);
  }
  if (given("hidden_act") !== "gelu") refuse("hidden_act", `"gelu", the exact one`);
  if (given("num_channels") !== 3) refuse("num_channels", "3");
  const epsilon = given("layer_norm_eps"), biased = given("qkv_bias");
  if (typeof epsilon !== "number" || !(epsilon > 0 && epsilon < 1)) refuse("layer_norm_eps", "a small number above 0");
  if (typeof biased !== "boolean") refuse("qkv_bias", "true or false");
  const width = whole("hidden_size"), heads = whole("num_attention_heads");
  if (width % heads !== 0) refuse("num_attention_heads", `a divisor of hidden_size, ${width}`);
  if (config.head_dim !== undefined && config.head_dim !== width / heads) refuse("head_dim", `${width / heads}`);
  const image = side("image_size"), patch = side("patch_size");
  if (image % patch !== 0) refuse("image_size", `a multiple of patch_size, ${patch}`);
  return {
    ...{ image, patch, width, depth: whole("num_hidden_layers"), heads },
    ...{ mlpRatio: whole("intermediate_size") / width, epsilon: epsilon as number, biased: biased as boolean },
  };
}

/**
 * The tensors of a file, or where it is one of those that model.safetensors.index.json lists, of all of them. As in
 * transformers, model.safetensors goes before an index.
 */
async function openShards(folder: string, file?: string): Promise<Record<string, StoredTensor>> {
  const whole = `${folder}/${file ?? "model.safetensors"}`;
  const isWhole = !file || file === "model.safetensors";
  if (isWhole && await Deno.stat(whole).catch(() => undefined)) return (await openSafetensors(whole)).tensors;
  const indexPath = `${folder}/model.safetensors.index.json`;
  const index = await readObject(indexPath).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  const map = index?.weight_map;
  if (!index || (file && !Object.values(map ?? {}).includes(file))) return (await openSafetensors(whole)).tensors;
  if (typeof map !== "object" || map === null || Array.isArray(map)) throw new Error(`${indexPath} has no weight_map.`);
  const placed = Object.entries(map as Record<string, unknown>);
  const stray = placed.find(([, file]) => typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file));
  if (stray) throw new Error(`${indexPath} places tensor "${stray[0]}" in no safetensors file of its folder.`);
  const tensors = new Map<string, StoredTensor>();
  for (const file of new Set(Object.values(map as Record<string, string>))) {
    for (const [name, tensor] of Object.entries((await openSafetensors(`${folder}/${file}`)).tensors)) {
      if ((map as Record<string, string>)[name] !== file) {
        throw new Error(`${folder}/${file} holds tensor "${name}", which ${indexPath} does not place there.`);
      }
      tensors.set(name, tensor);
    }
  }
  const missing = placed.find(([name]) => !tensors.has(name));
  if (missing) {
    throw new Error(`${folder}/${missing[1]} lacks tensor "${missing[0]}", which ${indexPath} places there.`);
  }
  return Object.fromEntries(tensors);
}

/** Tensors one below the other, along their first axis. */
function stacked(parts: StoredTensor[]): StoredTensor {
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
 * Opens the encoder in a folder of the Hugging Face layout, an IJepaModel or IJepaForImageClassification, whose head is
 * left aside. Its tensors get the authors' names (query, key and value joined to attn.qkv); a tensor whose name is none of
 * an encoder's keeps it.
 *
 * @param file a safetensors file in the folder to read instead of model.safetensors or what the index lists
 * @throws Error that names file and key or tensor where the configuration is not an I-JEPA encoder's, or files are missing
 *   or damaged
 */
export async function openHuggingFace(
  folder: string,
  file?: string,
): Promise<{ size: HuggingFaceSize; tensors: Record<string, StoredTensor> }> {
  const path = `${folder}/config.json`;
  const { biased, ...size } = parseConfig(path, await readObject(path));
  const shards = Object.entries(await openShards(folder, file));
  const stored = new Map(shards.map(([name, tensor]) => [name.replace(/^ijepa\./, ""), tensor]));
  if (stored.size < shards.length) throw new Error(`${folder} has a tensor both with and without "ijepa." before it.`);
  const blocks =
    [...stored.keys()].filter((name) => /^encoder\.layer\.\d+\.layernorm_before\.weight$/.test(name)).length;
  if (blocks !== size.depth) {
    throw new Error(`${path}: num_hidden_layers is ${size.depth}, but there are the tensors of ${blocks} layers.`);
  }

  const tensors = new Map<string, StoredTensor>();
  const move = (theirs: string, ours: string) => {
    const tensor = stored.get(theirs);
    if (!tensor) throw new Error(`${folder} lacks tensor "${theirs}".`);
    stored.delete(theirs);
    tensors.set(ours, tensor);
  };
  const join = (block: number, kind: "weight" | "bias") => {
    const names = PARTS.map((part) => `encoder.layer.${block}.attention.attention.${part}.${kind}`);
    const missing = names.find((name) => !stored.has(name));
    if (missing) throw new Error(`${folder} lacks tensor "${missing}".`);
    const parts = names.map((name) => stored.get(name)!);
    const other = parts.findIndex(({ dtype, shape }) => dtype !== parts[0].dtype || `${shape}` !== `${parts[0].shape}`);
    if (other > 0) throw new Error(`${folder}: tensor "${names[other]}" has not the shape and dtype of "${names[0]}".`);
    names.forEach((name) => stored.delete(name));
    tensors.set(`blocks.${block}.attn.qkv.${kind}`, stacked(parts));
  };
  move("embeddings.position_embeddings", "pos_embed");
  for (const [theirs, ours] of NAMES) {
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
  for (const [name, tensor] of stored) if (!OUTSIDE.test(name)) tensors.set(name, tensor);
  return { size, tensors: Object.fromEntries(tensors) };
}

/** One of the equal parts of a tensor along its first axis. */
function partOf({ dtype, shape: [rows, ...rest], lend }: LentTensor, part: number, parts: number): LentTensor {
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

/** Holds that a folder is free of another model's files, or a run's, which would be overwritten or mixed up. */
async function checkFree(folder: string): Promise<void> {
  const config = await readObject(`${folder}/config.json`).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  const [checkpoint] = await checkpointsIn(folder);
  if (!checkpoint && (!config || config.model_type === "ijepa")) return;
  const held = checkpoint ? `${checkpoint} of a run` : "a config.json that is no IJepaModel's";
  throw new Error(`${folder} holds ${held}, which stays: write the encoder into another folder.`);
}

/**
 * Writes an encoder in the Hugging Face layout into a folder, which is made where it is missing: model.safetensors,
 * preprocessor_config.json and, last, config.json. transformers loads it with IJepaModel.from_pretrained(folder).
 *
 * @param tensors all of the encoder's, under the authors' names
 * @throws Error where the folder holds a run, or a config.json of anything but an IJepaModel
 */
export async function writeHuggingFace(
  folder: string,
  { image, patch, width, depth, heads, mlpRatio, epsilon }: HuggingFaceSize,
  tensors: Record<string, LentTensor>,
  preprocessing: Preprocessing,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await checkFree(folder);
  const theirs: [string, LentTensor][] = [["embeddings.position_embeddings", tensors["pos_embed"]]];
  for (const kind of ["weight", "bias"]) {
    for (const [name, ours] of NAMES) {
      for (let block = 0; block < (name.includes("N") ? depth : 1); block++) {
        const tensor = tensors[`${ours.replace("N", `${block}`)}.${kind}`];
        theirs.push([`${name.replace("N", `${block}`)}.${kind}`, tensor]);
      }
    }
    for (let block = 0; block < depth; block++) {
      const joined = tensors[`blocks.${block}.attn.qkv.${kind}`];
      PARTS.forEach((part, i) => {
        const name = `encoder.layer.${block}.attention.attention.${part}.${kind}`;
        theirs.push([name, partOf(joined, i, PARTS.length)]);
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
    num_channels: 3,
    qkv_bias: true,
  };
  const toJson = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await Deno.mkdir(folder, { recursive: true });
  await writeSafetensors(`${folder}/model.safetensors`, Object.fromEntries(theirs), { format: "pt" }, { onProgress });
  await Deno.writeTextFile(`${folder}/preprocessor_config.json`, toJson(preprocessorConfig(preprocessing)));
  await Deno.writeTextFile(`${folder}/config.json`, toJson(config));
}
