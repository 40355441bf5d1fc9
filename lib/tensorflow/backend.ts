/**
 * tfjs on our binding: its API and autodiff (tfjs-core), the kernels of tfjs-node-gpu, and TensorFlow underneath.
 * Import `tf` from here. TensorFlow itself is loaded when the first tensor needs it.
 *
 * @module
 */
import util from "node:util";
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
// Not the package's index: that would load its native addon.
import { NodeJSKernelBackend } from "npm:@tensorflow/tfjs-node-gpu@4.22.0/dist/nodejs_kernel_backend.js";
import "npm:@tensorflow/tfjs-node-gpu@4.22.0/dist/register_all_kernels.js";
import { AttrKind } from "./ops/attributes.ts";
import { binding, eagerValue, register, type TensorMetadata, traceInto } from "./binding.ts";
import { DType, sizeOf } from "./ops/dtypes.ts";
import { filledValue, fromHost, lendValue, toHostAsync } from "./ops/eager.ts";
import type { Graph } from "./ops/graph.ts";
import { registerReductionGradients } from "./reduction_gradients.ts";

export { tf };

/** A tensor: tfjs's Tensor, of any rank. */
export type Tensor = InstanceType<(typeof tf)["Tensor"]>;

// The kernels were written for a Node that had this function.
(util as unknown as Record<string, unknown>).isNullOrUndefined ??= (value: unknown) => value == null;

const DISPOSED = "A tensor was used after it was disposed of.";

/** Frees the tensors that nobody disposed of, once the garbage collector has found them. */
const forgotten = new FinalizationRegistry<number>((id) => binding.deleteTensor(id));

/** The part of tfjs-node-gpu's backend that we use; the package's own types hide half of it. */
interface NodeBackend extends tf.KernelBackend {
  /** What it keeps of a tensor; `values` wait until an op first needs them in TensorFlow. */
  tensorMap: { get(dataId: object): { id: number; values: tf.backend_util.BackendValues | null } };
  createOutputTensor(metadata: TensorMetadata): Tensor;
  getInputTensorIds(tensors: tf.TensorInfo[]): number[];
  executeSingleOutput(name: string, attributes: unknown[], inputs: tf.TensorInfo[]): Tensor;
  memory(): { unreliable: boolean };
}

const NodeBackendClass = NodeJSKernelBackend as unknown as new (native: typeof binding, name: string) => NodeBackend;

class Backend extends NodeBackendClass {
  constructor() {
    super(binding, "@tensorflow/tfjs-node-gpu");
  }

  override createOutputTensor(metadata: TensorMetadata): Tensor {
    const tensor = super.createOutputTensor(metadata);
    forgotten.register(tensor.dataId, metadata.id);
    return tensor;
  }

  override getInputTensorIds(tensors: tf.TensorInfo[]): number[] {
    const { tensorInfo } = tf.engine().state;
    if (tensors.some(({ dataId }) => dataId && !tensorInfo.has(dataId))) throw new Error(DISPOSED);
    const waiting = tensors.filter(({ dataId }) => dataId && this.tensorMap.get(dataId).values !== null);
    const ids = super.getInputTensorIds(tensors);
    for (const { dataId } of waiting) forgotten.register(dataId, this.tensorMap.get(dataId).id);
    return ids;
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    const { id, values } = this.tensorMap.get(dataId);
    return values ?? await toHostAsync(eagerValue(id)) as tf.backend_util.BackendValues;
  }

  override memory(): { unreliable: boolean; numHandles: number } {
    return { ...super.memory(), numHandles: binding.getNumOfTensors() };
  }
}

tf.registerBackend("tensorflow", () => new Backend(), 10);
registerReductionGradients();

// The package's own kernel reads the indices back to check them, which a trace cannot do; TensorFlow checks them too.
tf.unregisterKernel("GatherV2", "tensorflow");
tf.registerKernel({
  kernelName: "GatherV2",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, attrs }) => {
    const { x, indices } = inputs as { x: tf.TensorInfo; indices: tf.TensorInfo };
    const axis = tf.scalar(attrs!.axis as number, "int32");
    const batchDims = { name: "batch_dims", type: AttrKind.INT, value: attrs!.batchDims ?? 0 };
    const gathered = backend().executeSingleOutput("GatherV2", [batchDims], [x, indices, axis]);
    axis.dispose();
    return gathered;
  },
});

/** The backend, started on first use. */
export function backend(): Backend {
  const started = tf.backend(); // tfjs starts it, and has no name for it before
  if (tf.getBackend() !== "tensorflow") throw new Error(`tfjs runs on the backend ${tf.getBackend()}: leave it alone.`);
  return started as Backend;
}

/** tf.dispose, for any structure of tensors; its own type knows only index signatures. */
export function disposeAll(tensors: unknown): void {
  tf.dispose(tensors as tf.TensorContainer);
}

/** The numbers by which the binding knows tensors. */
export function idsOf(tensors: readonly Tensor[]): number[] {
  if (tensors.some((tensor) => tensor.isDisposed)) throw new Error(DISPOSED);
  return backend().getInputTensorIds([...tensors]);
}

/** A tensor for a value that the binding knows. */
export function tensorOf(metadata: TensorMetadata): Tensor {
  return backend().createOutputTensor(metadata);
}

/**
 * Bytes as a tensor, held as uint8 at a quarter of an int32's size. tfjs has no such type and says int32; cast it before
 * you compute with it. For images on their way into a compiled function.
 *
 * @param values uint8, in row-major order
 */
export function uint8Tensor(values: Uint8Array, shape: number[]): Tensor {
  return tensorOf(register(fromHost(shape, DType.UINT8, values)));
}

/**
 * A float32 tensor whose bytes, four a number and little-endian, `fill` puts straight into TensorFlow's memory: for values
 * on their way out of a file. The bytes are lent for as long as that takes.
 */
export async function filledTensor(
  shape: number[],
  fill: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<Tensor> {
  return tensorOf(register(await filledValue(shape, DType.FLOAT, 4 * sizeOf(shape), fill)));
}

/**
 * Lends a tensor's bytes, little-endian, for as long as `use` takes, without a copy where they lie in main memory: for
 * values on their way into a file. They are to be read only; the tensor may be disposed of meanwhile.
 */
export function lendBytes<T>(tensor: Tensor, use: (bytes: Uint8Array<ArrayBuffer>) => Promise<T>): Promise<T> {
  return lendValue(eagerValue(idsOf([tensor])[0]), use);
}

/** Runs tf operations into a graph; the tensors made on the way are forgotten, what they stand for stays in the graph. */
export function traced<T>(graph: Graph, fn: () => T): T {
  tf.engine().startScope("trace");
  try {
    return traceInto(graph, fn);
  } finally {
    tf.engine().endScope();
  }
}
