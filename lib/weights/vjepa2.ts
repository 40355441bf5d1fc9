/**
 * Encoders of clips in the Hugging Face layout, as transformers' VJEPA2Model has them, with their predictor: here under the
 * authors' names.
 *
 * @module
 */
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import { makeFolder, writeFile } from "../write_file.ts";
import { checkFree, partOf, stacked } from "./hugging_face.ts";
import { openShards, readObject } from "./hugging_face_files.ts";
import { writeSafetensors } from "./formats/safetensors.ts";
import type { HostTensor, LentTensor, StoredTensor } from "./formats/tensors.ts";

/** What a config.json says of a VJEPA2Model. */
export interface Vjepa2Size {
  /** crop_size, in pixels. */
  image: number;
  /** patch_size, in pixels. */
  patch: number;
  /** frames_per_clip */
  frames: number;
  /** tubelet_size, in frames. */
  tubelet: number;
  /** hidden_size */
  width: number;
  /** num_hidden_layers */
  depth: number;
  /** num_attention_heads */
  heads: number;
  /** mlp_ratio */
  mlpRatio: number;
  /** pred_hidden_size, pred_num_hidden_layers, pred_num_attention_heads, pred_num_mask_tokens. */
  predictor: { width: number; depth: number; heads: number; maskTokens: number };
}

/** The tensor by which a file is known for one of these. */
export const VJEPA2_PATCHES = "encoder.embeddings.patch_embeddings.proj.weight";

/** The keys of config.json, with transformers' defaults for what it leaves out. */
const NUMBERS: Readonly<Record<string, number>> = {
  crop_size: 256,
  patch_size: 16,
  frames_per_clip: 64,
  tubelet_size: 2,
  hidden_size: 1024,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  mlp_ratio: 4,
  pred_hidden_size: 384,
  pred_num_hidden_layers: 12,
  pred_num_attention_heads: 12,
  pred_num_mask_tokens: 10,
};

/** What must be as it is, for the networks here have nothing else. */
const FIXED: Readonly<Record<string, unknown>> = {
  in_chans: 3,
  hidden_act: "gelu",
  layer_norm_eps: 1e-6,
  qkv_bias: true,
  pred_mlp_ratio: 4,
};

/** What V-JEPA 2.1's have, whose networks differ. */
const NEWER = ["use_modality_embeddings", "interpolate_rope", "return_all_tokens", "img_temporal_dim_size"];

function parseConfig(path: string, config: Record<string, unknown>): Vjepa2Size {
  for (const [key, value] of Object.entries(FIXED)) {
    const given = config[key] ?? value;
    if (given !== value) {
      throw new Error(`${path}: ${key} is ${JSON.stringify(given)}, and the encoder needs ${JSON.stringify(value)}.`);
    }
  }
  const newer = NEWER.find((key) => config[key]);
  if (newer !== undefined) throw new Error(`${path}: ${newer} is of V-JEPA 2.1, and only V-JEPA 2 can be loaded.`);
  const number = (key: string): number => {
    const given = config[key] ?? NUMBERS[key], value = Array.isArray(given) && given[0] === given[1] ? given[0] : given;
    if (typeof value === "number" && value > 0 && (Number.isSafeInteger(value) || key === "mlp_ratio")) return value;
    throw new Error(`${path}: ${key} is ${JSON.stringify(given)}, and the encoder needs a number above 0.`);
  };
  const size = {
    ...{ image: number("crop_size"), patch: number("patch_size") },
    ...{ frames: number("frames_per_clip"), tubelet: number("tubelet_size"), width: number("hidden_size") },
    ...{ depth: number("num_hidden_layers"), heads: number("num_attention_heads"), mlpRatio: number("mlp_ratio") },
    predictor: {
      ...{ width: number("pred_hidden_size"), depth: number("pred_num_hidden_layers") },
      ...{ heads: number("pred_num_attention_heads"), maskTokens: number("pred_num_mask_tokens") },
    },
  };
  const fits = (key: string, whole: number, part: number, of: string) => {
    if (whole % part !== 0) throw new Error(`${path}: ${key} is ${part}, which does not divide ${of}, ${whole}.`);
  };
  fits("patch_size", size.image, size.patch, "crop_size");
  fits("tubelet_size", size.frames, size.tubelet, "frames_per_clip");
  fits("num_attention_heads", size.width, size.heads, "hidden_size");
  fits("pred_num_attention_heads", size.predictor.width, size.predictor.heads, "pred_hidden_size");
  return size;
}

/** The layers of both networks: transformers' names, and the authors', in which N is a block's number. */
const LAYERS: readonly (readonly [theirs: string, ours: string])[] = [
  ["encoder.embeddings.patch_embeddings.proj", "patch_embed.proj"],
  ["encoder.layernorm", "norm"],
  ["predictor.embeddings.predictor_embeddings", "predictor_embed"],
  ["predictor.layernorm", "predictor_norm"],
  ["predictor.proj", "predictor_proj"],
  ...[["encoder", "blocks"], ["predictor", "predictor_blocks"]].flatMap(([network, blocks]) =>
    [["attention.proj", "attn.proj"], ...["norm1", "norm2", "mlp.fc1", "mlp.fc2"].map((layer) => [layer, layer])]
      .map(([theirs, ours]) => [`${network}.layer.N.${theirs}`, `${blocks}.N.${ours}`] as const)
  ),
];

/** What stands in the file for the authors' attn.qkv, in its order. */
const PARTS = ["query", "key", "value"];

/** The file that says how frames are standardised. */
const PROCESSOR = "video_preprocessor_config.json";

/** Holds that frames are standardised as they are here. */
async function checkProcessor(path: string, image: number): Promise<void> {
  const processor = await readObject(path).catch((error): Record<string, unknown> => {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  });
  const { mean, deviation } = defaultPreprocessing(image);
  for (const [key, own] of Object.entries({ image_mean: mean, image_std: deviation })) {
    const given = processor[key] ?? own;
    if (`${given}` !== `${own}`) throw new Error(`${path}: ${key} is [${given}], and clips are read with [${own}].`);
  }
}

const MASK_TOKENS = "predictor.embeddings.mask_tokens";

/** The names of all tensors but the mask tokens: transformers' (three of a joint one), and the authors'. */
function* namesOf({ depth, predictor }: Pick<Vjepa2Size, "depth" | "predictor">): Generator<[string[], string]> {
  const blocksOf = (name: string) => !name.includes("N") ? 1 : name.startsWith("encoder") ? depth : predictor.depth;
  for (const kind of ["weight", "bias"]) {
    for (const [theirs, ours] of LAYERS) {
      for (let n = 0; n < blocksOf(theirs); n++) {
        yield [[`${theirs.replace("N", `${n}`)}.${kind}`], `${ours.replace("N", `${n}`)}.${kind}`];
      }
    }
    for (
      const [network, blocks, count] of [["encoder", "blocks", depth], [
        "predictor",
        "predictor_blocks",
        predictor.depth,
      ]]
    ) {
      for (let n = 0; n < Number(count); n++) {
        yield [
          PARTS.map((part) => `${network}.layer.${n}.attention.${part}.${kind}`),
          `${blocks}.${n}.attn.qkv.${kind}`,
        ];
      }
    }
  }
}

/** One mask token, [1, 1, P], of all, [n, 1, 1, P]. */
function maskToken(all: StoredTensor, place: number): StoredTensor {
  const shape = all.shape.slice(1);
  return {
    dtype: all.dtype,
    shape,
    async read() {
      const { dtype, data } = await all.read(), length = data.length / all.shape[0];
      return { dtype, shape, data: data.subarray(place * length, (place + 1) * length) } as HostTensor;
    },
  };
}

/**
 * Opens the encoder and predictor in a folder of a VJEPA2Model, or of a VJEPA2ForVideoClassification, whose head is left
 * aside.
 *
 * @param file a safetensors file in the folder to read instead of model.safetensors or what the index lists
 * @throws Error that names file and key or tensor where the configuration is not V-JEPA 2's, or something is missing
 */
export async function openVjepa2(folder: string, file?: string): Promise<{
  size: Vjepa2Size;
  encoder: Record<string, StoredTensor>;
  predictor: Record<string, StoredTensor>;
  aside: string[];
}> {
  const path = `${folder}/config.json`, size = parseConfig(path, await readObject(path));
  await checkProcessor(`${folder}/${PROCESSOR}`, size.image);
  const stored = await openShards(folder, file), prefix = Object.hasOwn(stored, VJEPA2_PATCHES) ? "" : "vjepa2.";
  const encoder: Record<string, StoredTensor> = {}, predictor: Record<string, StoredTensor> = {};
  const used = new Set<string>();
  const take = (name: string): StoredTensor => {
    if (!Object.hasOwn(stored, prefix + name)) throw new Error(`${folder} lacks tensor "${prefix}${name}".`);
    used.add(prefix + name);
    return stored[prefix + name];
  };
  for (const [theirs, ours] of namesOf(size)) {
    const parts = theirs.map(take), network = ours.startsWith("predictor") ? predictor : encoder;
    network[ours] = parts.length === 1 ? parts[0] : stacked(parts);
  }
  const all = take(MASK_TOKENS), { maskTokens } = size.predictor;
  if (all.shape[0] !== maskTokens) {
    throw new Error(`${path}: pred_num_mask_tokens is ${maskTokens}, but "${MASK_TOKENS}" holds ${all.shape[0]}.`);
  }
  for (let i = 0; i < maskTokens; i++) predictor[`mask_tokens.${i}`] = maskToken(all, i);
  return { size, encoder, predictor, aside: Object.keys(stored).filter((name) => !used.has(name)) };
}

/** Lent tensors [1, 1, P] one below the other, [n, 1, 1, P]. */
function listed(tensors: readonly LentTensor[]): LentTensor {
  const [{ dtype, shape }] = tensors;
  return {
    dtype,
    shape: [tensors.length, ...shape],
    async lend(use) {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for (const tensor of tensors) {
        await tensor.lend((bytes) => {
          parts.push(bytes.slice());
          return Promise.resolve();
        });
      }
      await use(new Uint8Array(await new Blob(parts).arrayBuffer()));
    },
  };
}

/**
 * Writes an encoder of clips and its predictor into a folder, which is made where it is missing, from which transformers'
 * VJEPA2Model.from_pretrained() loads them.
 *
 * @param tensors all of both, under the authors' names
 * @throws Error where the folder holds a run, or a config.json of another model
 */
export async function writeVjepa2(
  folder: string,
  size: Vjepa2Size,
  tensors: Record<string, LentTensor>,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await checkFree(folder, "vjepa2");
  const theirs: [string, LentTensor][] = [];
  for (const [names, ours] of namesOf(size)) {
    names.forEach((name, i) => theirs.push([name, partOf(tensors[ours], i, names.length)]));
  }
  const { maskTokens } = size.predictor;
  theirs.push([MASK_TOKENS, listed(Array.from({ length: maskTokens }, (_, i) => tensors[`mask_tokens.${i}`]))]);
  const config: Record<keyof typeof NUMBERS, unknown> = {
    ...{ architectures: ["VJEPA2Model"], model_type: "vjepa2" },
    ...{ crop_size: size.image, patch_size: size.patch, frames_per_clip: size.frames, tubelet_size: size.tubelet },
    ...{ hidden_size: size.width, num_hidden_layers: size.depth, num_attention_heads: size.heads },
    ...{ mlp_ratio: size.mlpRatio, pred_hidden_size: size.predictor.width },
    ...{ pred_num_hidden_layers: size.predictor.depth, pred_num_attention_heads: size.predictor.heads },
    pred_num_mask_tokens: maskTokens,
    ...FIXED,
  };
  const { mean, deviation } = defaultPreprocessing(size.image),
    processor = {
      video_processor_type: "VJEPA2VideoProcessor",
      size: { shortest_edge: Math.floor(size.image * 256 / 224) },
      crop_size: { height: size.image, width: size.image },
      image_mean: mean,
      image_std: deviation,
    };
  const toJson = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await makeFolder(folder);
  await writeSafetensors(`${folder}/model.safetensors`, Object.fromEntries(theirs), { format: "pt" }, { onProgress });
  await writeFile(`${folder}/${PROCESSOR}`, toJson(processor));
  await writeFile(`${folder}/config.json`, toJson(config));
}
