/**
 * How far the kit's outputs are from those that PyTorch computed, for the encoders that parity.py made.
 *
 * @module
 */
import { encode, patchify } from "../../jepa/encoder.ts";
import { loadEncoder, type PretrainedEncoder } from "../../jepa/pretrained.ts";
import { predict } from "../../jepa/predictor.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { type HostTensor, readSafetensors } from "../../weights/formats/safetensors.ts";

/** What parity.py says of an encoder in its cases.json. */
export interface ParityCase {
  name: string;
  /** File or folder, below that of cases.json. */
  path: string;
  /** Who computed the expected outputs. */
  kind: string;
  /** Where the file does not say them. */
  heads?: number;
}

/** One comparison. */
export interface Difference {
  /** What was compared. */
  what: string;
  /** With whom. */
  kind: string;
  /** The largest absolute difference between two outputs; NaN where one is. */
  difference: number;
}

/** Largest absolute difference. */
export function largest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN;
  let worst = 0;
  for (let i = 0; i < actual.length; i++) worst = Math.max(worst, Math.abs(actual[i] - expected[i])); // NaN stays
  return worst;
}

/** The last hidden state of an encoder for pixels uint8 [B, H, W, 3], operation by operation. */
export function hiddenState({ size, parameters }: PretrainedEncoder, pixels: HostTensor): Float32Array {
  return tf.tidy(() => {
    const images = uint8Tensor(pixels.data as Uint8Array, pixels.shape);
    return encode(parameters, size, patchify(images, size.patch)).dataSync() as Float32Array;
  });
}

/** The same as one compiled function. */
async function compiledHiddenState({ size, parameters }: PretrainedEncoder, pixels: HostTensor): Promise<Float32Array> {
  const compiled = compile((p: typeof parameters, images: Tensor) => encode(p, size, patchify(images, size.patch)));
  const images = uint8Tensor(pixels.data as Uint8Array, pixels.shape);
  const hidden = await compiled(parameters, images);
  const values = await hidden.data() as Float32Array;
  tf.dispose([images, hidden]);
  compiled.dispose();
  return values;
}

function predictions({ predictor }: PretrainedEncoder, expected: Record<string, HostTensor>): Float32Array {
  const tensor = (name: string, dtype: "float32" | "int32") =>
    tf.tensor(expected[name].data as Float32Array | Int32Array, expected[name].shape, dtype);
  return tf.tidy(() => {
    const [representation, context] = [tensor("representation", "float32"), tensor("context", "int32")];
    const { size, parameters } = predictor!;
    return predict(parameters, size, representation, context, tensor("targets", "int32")).dataSync() as Float32Array;
  });
}

/**
 * Loads each encoder that a folder's cases.json lists, and compares its outputs: at its own size of image, at others with
 * its positions interpolated, and its predictor's where it has one.
 *
 * @param compiled whether to compute its own size as a compiled function too
 */
export async function* differences(folder: string, compiled = false): AsyncGenerator<Difference> {
  const cases: ParityCase[] = JSON.parse(await Deno.readTextFile(`${folder}/cases.json`));
  for (const { name, path, kind, heads } of cases) {
    const { tensors } = await readSafetensors(`${folder}/${name}.expected`);
    const own = await loadEncoder(`${folder}/${path}`, { heads });
    const expected = (side: number) => tensors[`hidden.${side}`].data as Float32Array;
    const sides = Object.keys(tensors).filter((key) => key.startsWith("pixels.")).map((key) => Number(key.slice(7)));
    for (const side of sides) {
      const pixels = tensors[`pixels.${side}`];
      if (side === own.size.image) {
        yield { what: name, kind, difference: largest(hiddenState(own, pixels), expected(side)) };
        if (!compiled) continue;
        const values = await compiledHiddenState(own, pixels);
        yield { what: `${name}, compiled`, kind, difference: largest(values, expected(side)) };
      } else {
        const other = await loadEncoder(`${folder}/${path}`, { heads, image: side });
        const what = `${name}, positions interpolated for ${side}px`;
        yield { what, kind, difference: largest(hiddenState(other, pixels), expected(side)) };
        tf.dispose([other.parameters, other.predictor?.parameters ?? {}]);
      }
    }
    if (own.predictor) {
      const difference = largest(predictions(own, tensors), tensors.predicted.data as Float32Array);
      yield { what: `${name}, predictor`, kind, difference };
    }
    tf.dispose([own.parameters, own.predictor?.parameters ?? {}]);
  }
}
