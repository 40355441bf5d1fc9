/**
 * Trained decoders as one safetensors file: the averaged weights, the standardisation of what they decode, and the
 * configuration, which says their sizes.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fromJson, toJson } from "../json.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import { openSafetensors, writeSafetensors } from "../weights/formats/safetensors.ts";
import { lentRounded, loadTensors } from "../weights/formats/streamed.ts";
import type { LentTensor, StoredTensor } from "../weights/formats/tensors.ts";
import type { DecoderConfig, PatchDecoderConfig, PooledDecoderConfig } from "./decoder_presets.ts";
import { patchDecoderShapes } from "./patch_decoder.ts";
import type { Standardisation } from "./representation.ts";
import { unetShapes } from "./diffusion/unet.ts";

/** A decoder that was trained. */
export interface TrainedDecoder<Config extends DecoderConfig = DecoderConfig> {
  /** How it was trained; its sizes are among it. */
  config: Config;
  /** The moving average of its weights; whoever has it disposes of them. */
  parameters: Parameters;
  /** Of what it decodes. */
  standardisation: Standardisation;
  /** Which weights it decodes: see encoderDigest(). A file of an earlier version does not say it. */
  encoder?: string;
}

/** One that draws samples for one vector. */
export type PooledDecoder = TrainedDecoder<PooledDecoderConfig>;
/** One that maps each patch's token back to pixels. */
export type PatchDecoder = TrainedDecoder<PatchDecoderConfig>;

/** Names and shapes of a decoder's parameters. */
export function decoderShapes(config: DecoderConfig): Record<string, readonly number[]> {
  return config.kind === "pooled" ? unetShapes(config.network) : patchDecoderShapes(config.network);
}

/** The same of a file's decoder, which other software, or an earlier version of this one, may have given other sizes. */
function shapesIn(file: string, config: DecoderConfig): Record<string, readonly number[]> {
  try {
    return decoderShapes(config);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`${file} holds no decoder of this version; train it again. ${reason}`, { cause });
  }
}

/** What a decoder decodes. */
export type Decodes = "representations" | "predictions" | "patches";

/** What a decoder of this configuration decodes. */
export function decodes(config: DecoderConfig): Decodes {
  return config.kind === "patches" ? "patches" : config.of ?? "representations";
}

/** Where a decoder's run lies that nobody has given another folder: beside its encoder's weights, a folder or a file. */
export async function decoderFolder(weights: string, of: Decodes): Promise<string> {
  const folder = (await Deno.stat(weights)).isDirectory ? weights : dirname(weights);
  return join(folder, { representations: "decoder", predictions: "prediction-decoder", patches: "patch-decoder" }[of]);
}

/**
 * Writes a decoder.
 *
 * @param path ends in .safetensors; a file there is replaced when the new one is whole
 * @param options.onProgress told of the bytes written so far
 * @param options.dtype what the weights are rounded to; F16 takes half the space. Default F32, as they are
 * @throws RangeError that names the tensor where one is not finite in that type
 */
export async function saveDecoder(
  path: string,
  { config, parameters, standardisation, encoder }: TrainedDecoder,
  { dtype = "F32", onProgress }: {
    dtype?: "F32" | "F16";
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<void> {
  const tensors: Record<string, LentTensor> = {};
  const put = (prefix: string, some: Parameters, type: "F32" | "F16") => {
    for (const [name, tensor] of Object.entries(some)) {
      tensors[`${prefix}${name}`] = lentRounded(
        tensor,
        type,
        () => new RangeError(`${path}: tensor ${prefix}${name} holds numbers that are not finite in ${type}.`),
      );
    }
  };
  put("decoder.", parameters, dtype);
  put("standardisation.", standardisation, "F32");
  const metadata = { decoder: toJson(config), ...encoder === undefined ? {} : { encoder } };
  await writeSafetensors(path, tensors, metadata, { onProgress });
}

/**
 * Reads a decoder that saveDecoder() wrote.
 *
 * @param path the file, or a run's folder, in which it is decoder.safetensors
 * @param kind which decoder it has to be; either where it is left out
 * @returns tensors that are the caller's, float32
 * @throws Error naming the file, and the tensor, where it is no such file, of another kind, or lacks one
 */
export async function loadDecoder<Kind extends DecoderConfig["kind"] = DecoderConfig["kind"]>(
  path: string,
  kind?: Kind,
): Promise<TrainedDecoder<Extract<DecoderConfig, { kind: Kind }>>> {
  const file = path.endsWith(".safetensors") ? path : `${path}/decoder.safetensors`;
  const { tensors, metadata } = await openSafetensors(file);
  if (metadata.decoder === undefined) {
    throw new Error(`${file} is no decoder: its metadata does not say how it was trained.`);
  }
  const config = fromJson<Extract<DecoderConfig, { kind: Kind }>>(metadata.decoder);
  if (kind !== undefined && config.kind !== kind) {
    throw new Error(`${file} is a decoder of kind "${config.kind}", but one of kind "${kind}" is wanted here.`);
  }
  const read = async (prefix: string, shapes: Record<string, readonly number[]>): Promise<Parameters> => {
    const stored = Object.entries(shapes).map(([name, shape]): [string, StoredTensor] => {
      const tensor = tensors[`${prefix}${name}`];
      if (!tensor) throw new Error(`${file} lacks tensor ${prefix}${name}.`);
      if (`${tensor.shape}` !== `${shape}`) {
        throw new Error(`${file}: tensor ${prefix}${name} has shape [${tensor.shape}], but should have [${shape}].`);
      }
      return [name, tensor];
    });
    return await loadTensors(Object.fromEntries(stored));
  };
  const width = [config.network.condition], shapes = shapesIn(file, config);
  const standardisation = await read("standardisation.", { mean: width, deviation: width }) as Standardisation;
  try {
    const { encoder } = metadata, known = encoder === undefined ? {} : { encoder };
    return { config, standardisation, parameters: await read("decoder.", shapes), ...known };
  } catch (error) {
    tf.dispose(standardisation);
    throw error;
  }
}
