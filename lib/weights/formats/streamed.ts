/**
 * TensorFlow's tensors on their way into a file and out of one, one after the other: what is held twice is one of them at
 * most.
 *
 * @module
 */
import { disposeAll, filledTensor, lendBytes, type Tensor } from "../../tensorflow/backend.ts";
import {
  bytesOf,
  type HostTensor,
  type LentTensor,
  type StoredTensor,
  toBfloat16,
  toFloat16,
  toFloat32,
} from "./tensors.ts";

/** A float32 tensor as it is, without a copy. It stays the caller's, who keeps it until it is written. */
export function lent(tensor: Tensor): LentTensor {
  return { dtype: "F32", shape: tensor.shape, lend: (use) => lendBytes(tensor, use) };
}

/**
 * A float32 tensor, rounded when its turn comes. It stays the caller's, who keeps it until it is written.
 *
 * @param notFinite what is thrown where a number is not finite in the type
 */
export function lentRounded(tensor: Tensor, dtype: "F32" | "F16" | "BF16", notFinite: () => Error): LentTensor {
  const { shape } = tensor;
  const round = (data: Float32Array<ArrayBuffer>): HostTensor =>
    dtype === "F32"
      ? { dtype, shape, data }
      : dtype === "F16"
      ? { dtype, shape, data: toFloat16(data) }
      : { dtype, shape, data: toBfloat16(data) };
  return {
    dtype,
    shape,
    lend: (use) =>
      lendBytes(tensor, async ({ buffer, byteOffset, byteLength }) => {
        const rounded = round(new Float32Array(buffer, byteOffset, byteLength / 4));
        if (!toFloat32(rounded).every(Number.isFinite)) throw notFinite();
        await use(bytesOf(rounded.data));
      }),
  };
}

/** Reads a tensor of floating-point numbers as float32, without a copy between where it is that in the file. */
export function loadTensor(stored: StoredTensor): Promise<Tensor> {
  if (stored.dtype === "F32" && stored.readInto) return filledTensor(stored.shape, stored.readInto);
  return filledTensor(stored.shape, async (bytes) => {
    bytes.set(bytesOf(toFloat32(await stored.read())));
  });
}

/** Reads tensors as loadTensor() does, one after the other, in their order; where one cannot be read, none is left. */
export async function loadTensors(stored: Record<string, StoredTensor>): Promise<Record<string, Tensor>> {
  const loaded: Record<string, Tensor> = {};
  try {
    for (const [name, tensor] of Object.entries(stored)) loaded[name] = await loadTensor(tensor);
  } catch (error) {
    disposeAll(loaded);
    throw error;
  }
  return loaded;
}
