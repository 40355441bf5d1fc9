/**
 * Writes encoders for others to load: the kit's own format, one safetensors file that says its sizes, and the Hugging Face
 * layout, which transformers loads.
 *
 * @module
 */
import { defaultPreprocessing, type Preprocessing } from "../datasets/pixels/preprocessing.ts";
import type { Parameters } from "../nn/parameters.ts";
import { writeHuggingFace } from "../weights/hugging_face.ts";
import { writeVjepa2 } from "../weights/vjepa2.ts";
import { writeOnnx } from "../weights/formats/onnx.ts";
import { writeSafetensors } from "../weights/formats/safetensors.ts";
import { lentRounded } from "../weights/formats/streamed.ts";
import type { LentTensor } from "../weights/formats/tensors.ts";
import { makeFolder, writeFile } from "../write_file.ts";
import {
  encoderShapes,
  type EncoderSize,
  type ParameterShapes,
  predictorShapes,
  type PredictorSize,
} from "./architectures.ts";
import { encoderGraph } from "./onnx_graph.ts";

/** An encoder to be written. */
export interface EncoderToSave {
  /** Its sizes. */
  size: EncoderSize;
  /** Its parameters, which stay the caller's. */
  parameters: Parameters;
  /** What images are to go through before it. */
  preprocessing?: Preprocessing;
  /** The predictor that was trained with it. */
  predictor?: { size: PredictorSize; parameters: Parameters };
}

/** How to write it. */
export interface SaveOptions {
  /** What the numbers are rounded to; F16 and BF16 take half the space of F32. Default F32, as they are. */
  dtype?: "F32" | "F16" | "BF16";
  /** Told of the bytes written so far; of all of them only once the file has its name. */
  onProgress?: (done: number, total: number) => void;
}

/** A network's tensors, rounded when their turn comes. */
function lentTensors(parameters: Parameters, shapes: ParameterShapes, dtype: "F32" | "F16" | "BF16") {
  const surplus = Object.keys(parameters).find((name) => !Object.hasOwn(shapes, name));
  if (surplus !== undefined) throw new RangeError(`"${surplus}" is no parameter of a network of these sizes.`);
  const tensors: Record<string, LentTensor> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const parameter = parameters[name];
    if (`${parameter?.shape}` !== `${shape}`) {
      throw new RangeError(`Parameter "${name}" has shape [${parameter?.shape}], but should have [${shape}].`);
    }
    tensors[name] = lentRounded(
      parameter,
      dtype,
      () =>
        new RangeError(`Tensor "${name}" holds numbers that are not finite in ${dtype}: write it as F32, or mend it.`),
    );
  }
  return tensors;
}

/**
 * Writes an encoder as one file in the kit's own format: safetensors under the authors' names, with the sizes, and the
 * preprocessing where it is given, as JSON in the metadata.
 *
 * @param path ends in .safetensors; a file there is replaced when the new one is whole
 * @throws RangeError that names the parameter where one is missing, surplus, of another shape, or not finite in the dtype
 */
export async function saveEncoder(path: string, encoder: EncoderToSave, options: SaveOptions = {}): Promise<void> {
  if (!path.endsWith(".safetensors")) throw new RangeError(`${path} should end in .safetensors, which it will be.`);
  const { size, parameters, preprocessing, predictor } = encoder, { dtype = "F32", onProgress } = options;
  const architecture = predictor ? { ...size, predictor: predictor.size } : size;
  const tensors = lentTensors(parameters, encoderShapes(size), dtype);
  if (predictor) {
    const shapes = predictorShapes({ ...size, predictor: predictor.size });
    for (const [name, tensor] of Object.entries(lentTensors(predictor.parameters, shapes, dtype))) {
      tensors[`predictor.${name}`] = tensor;
    }
  }
  await writeSafetensors(path, tensors, {
    architecture: JSON.stringify(architecture),
    ...(preprocessing ? { preprocessing: JSON.stringify(preprocessing) } : {}),
  }, { onProgress });
}

/**
 * Writes an encoder as a folder in the Hugging Face layout (config.json, model.safetensors, preprocessor_config.json),
 * which transformers' IJepaModel.from_pretrained() loads. Where the encoder has no preprocessing, the kit's own is written.
 * The layout has no place for a predictor.
 *
 * An encoder of clips is written with its predictor, for VJEPA2Model.from_pretrained(), which has rotary positions alone, of
 * the pairing "tiled".
 *
 * @param folder made where it is missing; an encoder of this layout there is replaced
 * @throws RangeError as saveEncoder() does, and for an encoder of clips that no VJEPA2Model computes; Error where the folder
 *   holds a run, or a config.json of another model
 */
export async function saveHuggingFace(
  folder: string,
  encoder: EncoderToSave,
  options: SaveOptions = {},
): Promise<void> {
  const { size, parameters, preprocessing = defaultPreprocessing(size.image, size.channels) } = encoder;
  if (size.frames !== undefined) return await saveVjepa2(folder, encoder, options);
  const tensors = lentTensors(parameters, encoderShapes(size), options.dtype ?? "F32");
  const theirs = { ...size, epsilon: size.epsilon ?? 1e-6 };
  await writeHuggingFace(folder, theirs, tensors, preprocessing, options.onProgress);
}

/** saveHuggingFace() of an encoder of clips. */
async function saveVjepa2(folder: string, encoder: EncoderToSave, options: SaveOptions): Promise<void> {
  const { size, parameters, predictor } = encoder, { dtype = "F32", onProgress } = options;
  const { frames, tubelet, rotary, epsilon = 1e-6 } = size, { maskTokens } = predictor?.size ?? {};
  const lacks = rotary !== "tiled" && `positions are ${rotary ?? "sine-cosine"}, and rotary "tiled" is what it has` ||
    !(predictor && maskTokens) && "predictor is missing" ||
    epsilon !== 1e-6 && `norms add ${epsilon}, and 1e-6 is what it has`;
  if (lacks || !predictor || !maskTokens) {
    throw new RangeError(`An encoder of clips cannot be written as a VJEPA2Model: its ${lacks}.`);
  }
  const architecture = { ...size, predictor: predictor.size };
  const tensors = {
    ...lentTensors(parameters, encoderShapes(size), dtype),
    ...lentTensors(predictor.parameters, predictorShapes(architecture), dtype),
  };
  const theirs = { ...size, frames: frames!, tubelet: tubelet!, predictor: { ...predictor.size, maskTokens } };
  await writeVjepa2(folder, theirs, tensors, onProgress);
}

/**
 * Writes an encoder as ONNX's graph into a folder's onnx/, where transformers.js looks for it beside what saveHuggingFace()
 * writes: model.onnx, or model_fp16.onnx, whose numbers take half the space and are widened to be computed with. More than
 * a gigabyte of numbers goes into a file beside it, NAME_data. It takes `pixel_values` float32 [batch, C, H, W],
 * standardised, and gives `last_hidden_state` [batch, N, D].
 *
 * @param folder where saveHuggingFace() has written the same encoder
 * @returns the file
 * @throws RangeError as saveEncoder() does, and for BF16, which ONNX's runtimes do not compute with
 */
export async function saveOnnx(
  folder: string,
  { size, parameters }: EncoderToSave,
  { dtype = "F32", onProgress }: SaveOptions = {},
): Promise<string> {
  if (dtype === "BF16") throw new RangeError("ONNX's file is written in F32 or F16, not in BF16.");
  const half = dtype === "F16", name = half ? "model_fp16.onnx" : "model.onnx", path = `${folder}/onnx/${name}`;
  const tensors = lentTensors(parameters, encoderShapes(size), dtype);
  await makeFolder(`${folder}/onnx`);
  const beside = await writeOnnx(path, encoderGraph(size, half), tensors, onProgress);
  if (beside) {
    const config = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    config["transformers.js_config"] = { use_external_data_format: { [name]: true } };
    await writeFile(`${folder}/config.json`, JSON.stringify(config, null, 2) + "\n");
  }
  return path;
}
