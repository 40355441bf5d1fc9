/**
 * What files hold of an encoder that was trained before: which kind of file it is, the sizes that it says or that its
 * tensors' shapes tell, and the tensors by the authors' names, still in the file.
 *
 * @module
 */
import { checkFraming, type Preprocessing, readPreprocessorConfig } from "../datasets/pixels/preprocessing.ts";
import { type ChannelStatistics, standardisedPreprocessing, statisticsShape } from "../datasets/channel_statistics.ts";
import { openAuthorsCheckpoint } from "../weights/authors.ts";
import { checkpointsIn } from "../weights/checkpoint_names.ts";
import { findEncoder, HUGGING_FACE_PATCHES, someOf, splitPredictor } from "../weights/find_encoder.ts";
import { openHuggingFace } from "../weights/hugging_face.ts";
import { isShard, readObject } from "../weights/hugging_face_files.ts";
import { openSafetensors } from "../weights/formats/safetensors.ts";
import type { StoredTensor } from "../weights/formats/tensors.ts";
import { timmPreprocessing } from "../weights/timm.ts";
import { openVjepa2, VJEPA2_PATCHES } from "../weights/vjepa2.ts";
import { type Architecture, type EncoderSize, headsOf, type PredictorSize } from "./architectures.ts";
import { readError } from "../os_error.ts";
import { naming } from "../shapes.ts";
import { whyMissing, whyNoEncoder } from "./missing_weights.ts";

/** Tensors in a file by name. */
export type Stored = Record<string, StoredTensor>;

/** An encoder in files: its sizes, and its tensors, not read yet and by their shapes not checked. */
export interface StoredEncoder {
  /** The file or folder that an error names. */
  path: string;
  /** The encoder's tensors. */
  encoder: Stored;
  /** As the file says, or as its tensors' shapes do. */
  size: EncoderSize;
  /** What images go through before it, where the files say so. */
  preprocessing?: Preprocessing;
  /** The predictor, where the files hold it. */
  predictor?: { tensors: Stored; size: PredictorSize };
  /** What stands before the encoder's names in the file, where that is not a run's of this kit. */
  prefix?: string;
  /** Names of tensors in the file that are neither the encoder's nor the predictor's. */
  aside?: string[];
}

/** As it is before its sizes are known. */
type Unsized = Omit<StoredEncoder, "size" | "predictor"> & {
  size?: EncoderSize;
  predictor?: { tensors: Stored; size?: PredictorSize };
};

const isMissing = (error: unknown) =>
  error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;

/** Whether there is something at a path; what may not be looked at is not taken for missing. */
async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)) !== undefined;
  } catch (error) {
    if (isMissing(error)) return false;
    throw readError(path, error);
  }
}

/** Whether a value is a whole number above 0. */
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** A JSON object, or undefined. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The sizes in a kit's file or run; the predictor's where they are there. */
function parseArchitecture(path: string, value: unknown): EncoderSize & { predictor?: PredictorSize } {
  const wrong = (what: string): never => {
    throw new Error(`${path}: ${what} of its architecture is missing or wrong.`);
  };
  const checked = (given: unknown, names: string[], of = "") => {
    if (typeof given !== "object" || given === null) return wrong(of || "all");
    const held = given as Record<string, unknown>;
    for (const name of names) if (!isWhole(held[name])) wrong(`the ${of}${name}`);
    if (held.width as number % (held.heads as number) !== 0) wrong(`the ${of}heads, which divide the width,`);
    return held as Record<string, number>;
  };
  const { image, patch, width, depth, heads, mlpRatio, epsilon } = checked(value, [
    ...["image", "patch", "width", "depth", "heads"],
  ]);
  if (image % patch !== 0) wrong("the image, which is a multiple of the patch,");
  if (!(mlpRatio > 0 && mlpRatio < Infinity)) wrong("the mlpRatio");
  if (epsilon !== undefined && !(epsilon > 0 && epsilon < 1)) wrong("the epsilon");
  const { frames, tubelet, channels, rotary, predictor } = value as Partial<Architecture>;
  if (channels !== undefined && !isWhole(channels)) wrong("the channels");
  if ((frames ?? tubelet) !== undefined) {
    if (!isWhole(frames) || !isWhole(tubelet) || frames % tubelet !== 0) {
      wrong("the frames, a multiple of the tubelet,");
    }
  }
  if (rotary !== undefined && (frames === undefined || !["tiled", "interleaved"].includes(rotary))) wrong("the rotary");
  const size = {
    ...{ image, patch, width, depth, heads, mlpRatio },
    ...(channels === undefined ? {} : { channels }),
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(frames === undefined ? {} : { frames, tubelet }),
    ...(rotary === undefined ? {} : { rotary }),
  };
  if (predictor === undefined) return size;
  const narrow = checked(predictor, ["width", "depth", "heads"], "predictor's ");
  const { maskTokens, sharedContext, conditions } = predictor;
  if (conditions !== undefined && !isWhole(conditions)) wrong("the predictor's conditions");
  if (maskTokens !== undefined && !isWhole(maskTokens)) wrong("the predictor's maskTokens");
  if (sharedContext !== undefined && typeof sharedContext !== "boolean") wrong("the predictor's sharedContext");
  return {
    ...size,
    predictor: {
      ...{ width: narrow.width, depth: narrow.depth, heads: narrow.heads },
      ...(maskTokens === undefined ? {} : { maskTokens }),
      ...(sharedContext === undefined ? {} : { sharedContext }),
      ...(conditions === undefined ? {} : { conditions }),
    },
  };
}

/** The standardisation in a run's configuration, where it has one. */
function parseStandardise(path: string, value: unknown, channels = 3): ChannelStatistics | undefined {
  if (value === undefined) return undefined;
  naming(path, () => statisticsShape.check(value, "standardise"));
  const statistics = value as ChannelStatistics;
  if (statistics.mean.length === channels) return statistics;
  throw new Error(`${path}: standardise has ${statistics.mean.length} channels, and its architecture ${channels}.`);
}

/** The preprocessing in a kit's file. */
function parsePreprocessing(path: string, text: string, channels = 3): Preprocessing {
  const value = parseObject(text) as Partial<Preprocessing> | undefined;
  const numbers = (given: unknown): given is number[] =>
    Array.isArray(given) && given.length === channels && given.every((x) => Number.isFinite(x));
  try {
    const { resize, crop, interpolation, mean, deviation } = value!;
    if (!numbers(mean) || !numbers(deviation) || !deviation.every((x) => x > 0)) throw new RangeError();
    const preprocessing = { resize, crop, interpolation, mean, deviation } as Preprocessing;
    checkFraming(preprocessing);
    return preprocessing;
  } catch {
    throw new Error(`${path}: the preprocessing in its metadata is none: ${text.slice(0, 200)}.`);
  }
}

/** The tensors whose names begin with a network's, without it. */
function network(tensors: Stored, name: string): Stored {
  const own = Object.entries(tensors).filter(([key]) => key.startsWith(`${name}.`));
  return Object.fromEntries(own.map(([key, tensor]) => [key.slice(name.length + 1), tensor]));
}

/** A run's checkpoint, whose sizes are in the config.json beside it. */
async function openCheckpoint(path: string, folder: string): Promise<Unsized> {
  const config = `${folder}/config.json`;
  if (!await exists(config)) {
    throw new Error(`${path} is a run's checkpoint, but ${config} is not there to say its sizes.`);
  }
  const said = parseObject(await Deno.readTextFile(config));
  const { predictor, ...size } = parseArchitecture(config, said?.architecture);
  const { tensors } = await openSafetensors(path);
  const averaged = network(tensors, "target_encoder"); // methods without a moving average have none
  return {
    preprocessing: standardisedPreprocessing(size.image, parseStandardise(config, said?.standardise, size.channels)),
    ...{ path, size, encoder: Object.keys(averaged).length > 0 ? averaged : network(tensors, "encoder") },
    predictor: predictor && said?.targets !== "pixels" // which are no representations
      ? { size: predictor, tensors: network(tensors, "predictor") }
      : undefined,
  };
}

/** An encoder of Hugging Face's names, in this safetensors file or, without one, in the folder's own. */
async function openHuggingFaceEncoder(folder: string, file?: string): Promise<Unsized> {
  const path = file === undefined ? folder : `${folder}/${file}`, config = `${folder}/config.json`;
  if (!await exists(config)) {
    throw new Error(`${path} has Hugging Face's tensors, but ${config} is not there to say their sizes.`);
  }
  if ((await readObject(config)).model_type === "vjepa2") {
    const { size: { predictor, ...size }, ...held } = await openVjepa2(folder, file);
    const narrow = { size: predictor, tensors: held.predictor };
    return { path, encoder: held.encoder, size: { ...size, rotary: "tiled" }, predictor: narrow, aside: held.aside };
  }
  const { size, tensors, prefix, aside } = await openHuggingFace(folder, file);
  const processor = `${folder}/preprocessor_config.json`;
  const preprocessing = (await exists(processor)) ? await readPreprocessorConfig(processor, size.channels) : undefined;
  return { path, encoder: tensors, size, preprocessing, prefix, aside };
}

async function openSafetensorsEncoder(path: string, folder: string): Promise<Unsized> {
  const { tensors, metadata } = await openSafetensors(path);
  if (metadata.architecture !== undefined) {
    const { predictor, ...size } = parseArchitecture(path, parseObject(metadata.architecture));
    const preprocessing = metadata.preprocessing === undefined
      ? undefined
      : parsePreprocessing(path, metadata.preprocessing, size.channels);
    const narrow = network(tensors, "predictor"), isNarrow = (name: string) => name.startsWith("predictor.");
    return {
      ...{ path, size, preprocessing },
      encoder: Object.fromEntries(Object.entries(tensors).filter(([name]) => !isNarrow(name))),
      predictor: predictor && Object.keys(narrow).length > 0 ? { size: predictor, tensors: narrow } : undefined,
    };
  }
  const names = Object.keys(tensors), isEncoder = (name: string) => /^(target_)?encoder\.patch_embed\./.test(name);
  if (metadata.step !== undefined && names.some(isEncoder)) {
    return await openCheckpoint(path, folder);
  }
  const file = path.slice(path.lastIndexOf("/") + 1);
  if (file !== "model.safetensors" && await isShard(folder, file)) return await openHuggingFaceEncoder(folder, file);
  if (names.some((name) => name.endsWith(VJEPA2_PATCHES))) return await openHuggingFaceEncoder(folder, file);
  const { predictor, rest } = splitPredictor(path, tensors);
  const { tensors: encoder, prefix, aside } = findEncoder(path, rest);
  if (Object.hasOwn(encoder, HUGGING_FACE_PATCHES)) return await openHuggingFaceEncoder(folder, file);
  return { path, encoder, prefix, aside, predictor: predictor && { tensors: predictor } };
}

async function openFolder(folder: string): Promise<Unsized> {
  const weights = `${folder}/encoder.safetensors`, [newest] = await checkpointsIn(folder);
  if (await exists(weights)) return await openSafetensorsEncoder(weights, folder);
  if (newest !== undefined) return await openCheckpoint(`${folder}/${newest}`, folder);
  if (!await exists(`${folder}/config.json`)) throw new Error(await whyNoEncoder(folder));
  const config = parseObject(await Deno.readTextFile(`${folder}/config.json`));
  // timm's "architecture" is a name.
  if (typeof config?.architecture === "object" && config.model_type === undefined) {
    throw new Error(
      `${folder} is a run that has no checkpoint yet: wait until it has written one, or resume it.`,
    );
  }
  const files = ["model.safetensors", "model.safetensors.index.json"].map((name) => exists(`${folder}/${name}`));
  if (config && !(await Promise.all(files)).includes(true)) throw new Error(await whyNoEncoder(folder));
  const timm = config?.pretrained_cfg;
  if (typeof timm === "object" && timm !== null) {
    const preprocessing = timmPreprocessing(`${folder}/config.json`, timm as Record<string, unknown>);
    return { ...await openSafetensorsEncoder(`${folder}/model.safetensors`, folder), preprocessing };
  }
  return await openHuggingFaceEncoder(folder);
}

async function openUnsized(path: string): Promise<Unsized> {
  path = path.replace(/(?<=.)\/+$/, "");
  const info = await Deno.stat(path).catch(async (error) => {
    if (!isMissing(error)) throw readError(path, error);
    throw new Deno.errors.NotFound(await whyMissing(path), { cause: error });
  });
  if (info.isDirectory) return await openFolder(path);
  if (path.endsWith(".safetensors")) {
    return await openSafetensorsEncoder(path, path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".");
  }
  const { tensors: encoder, prefix, aside, predictor } = await openAuthorsCheckpoint(path);
  return { path, encoder, prefix, aside, predictor: predictor && { tensors: predictor } };
}

/** How many blocks there are, which have numbers from 0 on where nothing is missing. */
const blocksOf = (tensors: Stored, prefix: string) =>
  Object.keys(tensors).filter((name) => name.startsWith(`${prefix}.`) && name.endsWith(".norm1.weight")).length;

/** The shape of a tensor that has to be there, of this rank. */
function shapeOf(path: string, tensors: Stored, name: string, rank: number): number[] {
  const shape = tensors[name]?.shape;
  if (!shape) throw new Error(`${path} lacks tensor "${name}"; it has ${someOf(Object.keys(tensors))}.`);
  if (shape.length === rank && shape.every(isWhole)) return shape;
  throw new Error(`${path}: tensor "${name}" has shape [${shape}], not one of ${rank} dimensions.`);
}

/** Sizes of an encoder whose file says none, from its tensors' shapes. */
function sizeFromShapes(path: string, tensors: Stored, heads: number | undefined): EncoderSize {
  const foreign = ["cls_token", "reg_token", "fc_norm.weight"].find((name) => Object.hasOwn(tensors, name));
  if (foreign) {
    throw new Error(
      `${path} has tensor "${foreign}", and I-JEPA's encoders have neither a class token nor a norm after pooling: take ` +
        "weights of a model without (timm: class_token=False, fc_norm=False, such as its *_ijepa models).",
    );
  }
  const [width, channels, patch] = shapeOf(path, tensors, "patch_embed.proj.weight", 4);
  const [, places] = shapeOf(path, tensors, "pos_embed", 3);
  const [hidden] = shapeOf(path, tensors, "blocks.0.mlp.fc1.weight", 2);
  const grid = Math.sqrt(places), depth = blocksOf(tensors, "blocks");
  if (!Number.isInteger(grid)) {
    throw new Error(`${path}: tensor "pos_embed" has ${places} positions, which are no square grid.`);
  }
  const known = heads ?? headsOf(width, depth);
  if (known === undefined) {
    throw new Error(
      `${path} does not say how many attention heads it has, and ${depth} blocks of width ${width} are none of the ` +
        "paper's sizes: say it with the option `heads`.",
    );
  }
  const own = channels === 3 ? {} : { channels };
  return { image: grid * patch, patch, ...own, width, depth, heads: known, mlpRatio: hidden / width };
}

/**
 * Finds out what files hold, as loadEncoder() lists it.
 *
 * @param heads of the encoder, where the file does not say and width and depth do not tell
 * @throws Error that names the file and what is wrong with it
 */
export async function openStoredEncoder(path: string, heads?: number): Promise<StoredEncoder> {
  const stored = await openUnsized(path);
  const size = stored.size ?? sizeFromShapes(stored.path, stored.encoder, heads);
  const blocks = blocksOf(stored.encoder, "blocks");
  if (size.depth !== blocks) {
    throw new Error(`${stored.path} should hold ${size.depth} blocks, but has the tensors of ${blocks}.`);
  }
  if (heads !== undefined && heads !== size.heads) {
    throw new Error(`${stored.path} says that it has ${size.heads} attention heads, not ${heads}.`);
  }
  if (!isWhole(size.heads) || size.width % size.heads !== 0) {
    throw new RangeError(`${size.heads} attention heads do not divide the width of ${stored.path}, ${size.width}.`);
  }
  const { predictor, ...rest } = stored;
  if (!predictor) return { ...rest, size };
  const of = `${stored.path} (predictor)`, depth = blocksOf(predictor.tensors, "predictor_blocks");
  const [width] = shapeOf(of, predictor.tensors, "predictor_embed.weight", 2);
  // The authors' predictor has as many heads as the encoder.
  const narrow = predictor.size ?? { width, depth, heads: size.heads };
  if (narrow.depth !== depth) throw new Error(`${of} should hold ${narrow.depth} blocks, but has those of ${depth}.`);
  if (width % narrow.heads !== 0) throw new Error(`${of}: ${narrow.heads} heads do not divide its width, ${width}.`);
  return { ...rest, size, predictor: { tensors: predictor.tensors, size: narrow } };
}
