/**
 * Encoders from the files that people have: this kit's runs and weights, the authors' .pth.tar, Hugging Face folders of
 * IJepaModel, timm's ViTs as safetensors. Nothing is renamed by hand, and nothing is loaded of a file that does not fit.
 *
 * @module
 */
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";
import type { OnDownload } from "../hub/snapshot.ts";
import type { Parameters } from "../nn/parameters.ts";
import { interpolatePositions } from "../nn/positions.ts";
import { tf } from "../tensorflow/backend.ts";
import { findWeights } from "../weights/hub_weights.ts";
import { loadTensors } from "../weights/formats/streamed.ts";
import { isFloat, type StoredTensor, toFloat32 } from "../weights/formats/tensors.ts";
import {
  encoderShapes,
  type EncoderSize,
  type ParameterShapes,
  predictorShapes,
  type PredictorSize,
} from "./architectures.ts";
import { isWhole, openStoredEncoder, type Stored } from "./stored_encoder.ts";

/** An encoder that was trained before. */
export interface PretrainedEncoder {
  /** Its sizes. */
  size: EncoderSize;
  /** Its parameters in float32; the caller disposes of them. */
  parameters: Parameters;
  /** What images go through before it, where the files say so. */
  preprocessing?: Preprocessing;
  /** The predictor that was trained with it, where the files hold one; the caller disposes of its parameters. */
  predictor?: { size: PredictorSize; parameters: Parameters };
  /** What stood before its tensors' names in the file and was taken off, such as "module." or "model.backbone.". */
  prefix?: string;
  /** Names of the file's other tensors, such as a head's, which were left aside. */
  aside?: string[];
}

/** What the files do not say, or what is to be otherwise. */
export interface LoadOptions {
  /** Attention heads; needed where the file does not say and width and depth are of none of the paper's sizes. */
  heads?: number;
  /** Side of the images that it is to encode, in pixels; positions are interpolated where it is another than in training. */
  image?: number;
  /** Is told how far a download from the hub has come, in bytes. */
  onDownload?: OnDownload;
}

/**
 * Holds that a file has a network's tensors, all and no others, in their shapes.
 *
 * @throws Error that names the file and a tensor
 */
function checkTensors(path: string, tensors: Stored, shapes: ParameterShapes): void {
  const others = (count: number) => count > 1 ? `, nor ${count - 1} more` : "";
  const missing = Object.keys(shapes).filter((name) => !Object.hasOwn(tensors, name));
  if (missing.length) throw new Error(`${path} lacks tensor "${missing[0]}"${others(missing.length)}.`);
  const surplus = Object.keys(tensors).filter((name) => !Object.hasOwn(shapes, name));
  if (surplus.length) {
    const rest = surplus.length > 1 ? `, and ${surplus.length - 1} more` : "";
    throw new Error(`${path} has tensor "${surplus[0]}"${rest}, which is no part of an I-JEPA network of its sizes.`);
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const stored = tensors[name];
    if (`${stored.shape}` !== `${shape}`) {
      throw new Error(`${path}: tensor "${name}" has shape [${stored.shape}], but should have [${shape}].`);
    }
    if (!isFloat(stored.dtype)) {
      throw new Error(`${path}: tensor "${name}" is of dtype ${stored.dtype}, which holds no weights.`);
    }
  }
}

/** A stored tensor of positions [1, N, D], interpolated to another grid when it is read. */
function regridded(positions: StoredTensor, from: number, to: number): StoredTensor {
  const width = positions.shape[2], shape = [1, to * to, width];
  return {
    dtype: "F32",
    shape,
    async read() {
      const values = interpolatePositions(toFloat32(await positions.read()), [from, from], [to, to]);
      return { dtype: "F32", shape, data: values };
    },
  };
}

/** Preprocessing for images of another size, in the same proportions. */
function rescaled(preprocessing: Preprocessing, image: number): Preprocessing {
  const { resize, crop } = preprocessing;
  const scale = (side: number) => Math.round(side * image / crop);
  return {
    ...preprocessing,
    resize: typeof resize === "number" ? scale(resize) : [scale(resize[0]), scale(resize[1])],
    crop: image,
  };
}

/** Orders tensors as the shapes are, so that parameters have the same order wherever they come from. */
const inOrder = (tensors: Stored, shapes: ParameterShapes): Stored =>
  Object.fromEntries(Object.keys(shapes).map((name) => [name, tensors[name]]));

/**
 * Loads an encoder, and its predictor where the files hold it.
 *
 * @param path one of
 *   - a run's folder (its encoder.safetensors, or else its newest checkpoint), or one of these files: the target encoder;
 *   - the authors' .pth.tar: the target encoder; or another file of torch.save() with a state_dict of their names;
 *   - a Hugging Face folder of an IJepaModel (config.json; model.safetensors, or several with an index), or that file in it;
 *   - safetensors of a timm ViT without class token, such as its *_ijepa models, whose names are the authors', or timm's
 *     folder with config.json and model.safetensors;
 *   - such a folder's name on the Hugging Face hub, "hf:owner/name", "hf:owner/name@revision" or "owner/name" where there is
 *     no folder "owner": it is fetched into the cache that Python's huggingface_hub keeps.
 *
 *   Those that the authors published there (facebook/ijepa_*) are, by transformers' conversion script, the *context* encoder,
 *   with a processor of mean and deviation 0.5; the paper evaluates the target encoder, with ImageNet's mean and deviation.
 *
 *   In all but the first, a wrapper's or a larger model's prefix before the encoder's names is taken off, and tensors beside
 *   it are left aside; the result says which.
 * @throws Error that names the file, and the tensor or key, where something is missing, surplus, of a wrong shape or
 *   damaged, or where the number of heads cannot be known; Deno.errors.NotFound where there is no such path; RangeError where
 *   options.image is no multiple of the patch
 */
export async function loadEncoder(path: string, options: LoadOptions = {}): Promise<PretrainedEncoder> {
  const stored = await openStoredEncoder(await findWeights(path, options.onDownload), options.heads);
  const { size: trained, predictor } = stored;
  const shapes = encoderShapes(trained);
  checkTensors(stored.path, stored.encoder, shapes);
  let encoder = inOrder(stored.encoder, shapes);
  let narrow: typeof predictor;
  if (predictor) {
    const predictorOwn = predictorShapes({ ...trained, predictor: predictor.size });
    checkTensors(`${stored.path} (predictor)`, predictor.tensors, predictorOwn);
    narrow = { size: predictor.size, tensors: inOrder(predictor.tensors, predictorOwn) };
  }

  const { image = trained.image } = options;
  let { preprocessing } = stored;
  if (image !== trained.image) {
    if (trained.frames !== undefined) {
      throw new RangeError(
        `${path} encodes clips of ${trained.image} pixels, and its positions are for no other size.`,
      );
    }
    if (!isWhole(image) || image % trained.patch !== 0) {
      throw new RangeError(
        `An image of ${image} pixels cannot be cut into the patches of ${trained.patch} of ${path}.`,
      );
    }
    const from = trained.image / trained.patch, to = image / trained.patch;
    encoder = { ...encoder, pos_embed: regridded(encoder.pos_embed, from, to) };
    if (narrow) {
      const positions = regridded(narrow.tensors.predictor_pos_embed, from, to);
      narrow = { ...narrow, tensors: { ...narrow.tensors, predictor_pos_embed: positions } };
    }
    preprocessing = preprocessing && rescaled(preprocessing, image);
  }

  const loaded: PretrainedEncoder = { size: { ...trained, image }, parameters: await loadTensors(encoder) };
  if (preprocessing) loaded.preprocessing = preprocessing;
  if (stored.prefix) loaded.prefix = stored.prefix;
  if (stored.aside?.length) loaded.aside = stored.aside;
  if (!narrow) return loaded;
  try {
    loaded.predictor = { size: narrow.size, parameters: await loadTensors(narrow.tensors) };
  } catch (error) {
    tf.dispose(loaded.parameters);
    throw error;
  }
  return loaded;
}
