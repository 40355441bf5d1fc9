/**
 * Ops executed at once, on tensors that TensorFlow holds: the context, tensor handles, and TFE_Execute on and off the
 * event loop.
 *
 * @module
 */
import { type Attribute, describeCall, setAttribute } from "./attributes.ts";
import { DType } from "./dtypes.ts";
import { allocateTensor, bytesOf, type HostValues, newTensor, takeValues, viewString } from "./host_tensors.ts";
import { checked, checkedAsync, cString, fromCString, library } from "../libraries/library.ts";
import { locateTensorFlow } from "../libraries/locate.ts";
import { reportNoGpu } from "../libraries/no_gpu.ts";
import { groupInputs, opDef } from "./op_defs.ts";

/** A tensor in TensorFlow's memory. Whoever made it frees it, with release(). */
export interface EagerValue {
  /** TFE_TensorHandle* */
  readonly handle: Deno.PointerValue;
  /** Its dimensions. */
  readonly shape: number[];
  /** TF_DataType */
  readonly dtype: number;
}

let current: Deno.PointerValue = null;
let live = 0;

/** Handles that have been made and not released. */
export function liveHandles(): number {
  return live;
}

/** ConfigProto { gpu_options { allow_growth: true } }: GPU memory grows as needed instead of being taken whole at the start. */
const CONFIG = [0x32, 0x02, 0x20, 0x01];

/** Options for a context, from ConfigProto's bytes. */
function contextOptions(config: Uint8Array<ArrayBuffer>): Deno.PointerValue {
  return checked(() => "TensorFlow could not start", (tf, status) => {
    const options = tf.TFE_NewContextOptions();
    tf.TFE_ContextOptionsSetConfig(options, config, BigInt(config.length), status);
    return options;
  });
}

/** Whether TensorFlow runs already. */
export function isStarted(): boolean {
  return current !== null;
}

/** The context in which everything runs. */
export function context(): Deno.PointerValue {
  if (current !== null) return current;
  const options = contextOptions(new Uint8Array(CONFIG));
  const made = checked(() => "TensorFlow could not start", (tf, status) => tf.TFE_NewContext(options, status));
  library().TFE_DeleteContextOptions(options);
  return current = made;
}

/** Where the context is, for other threads of this process to share it; undefined where TensorFlow is not running. */
export function contextAddress(): bigint | undefined {
  return current === null ? undefined : Deno.UnsafePointer.value(current);
}

/** Takes the context of the thread that started it, which has to outlive this one's use of it. */
export function shareContext(address: bigint): void {
  current = Deno.UnsafePointer.create(address);
}

/**
 * Starts the context as one task of a cluster; see joinCluster(). Off the event loop, for GPUs take seconds to start. No
 * other context may be there, for its tensors would lose their devices.
 *
 * @param config bytes to add to the ConfigProto
 * @param serverDef a ServerDef's bytes
 * @param release called just before TensorFlow listens
 */
export async function startInCluster(
  config: number[],
  serverDef: Uint8Array<ArrayBuffer>,
  release: () => void,
): Promise<void> {
  const options = contextOptions(new Uint8Array([...CONFIG, ...config]));
  const doing = () => "TensorFlow could not start";
  const made = await checkedAsync(doing, (tf, status) => tf.TFE_NewContextAsync(options, status));
  library().TFE_DeleteContextOptions(options);
  release();
  await checkedAsync(
    () => "TensorFlow could not listen to the other workers",
    (tf, status) => tf.TFE_EnableCollectiveOpsAsync(made, serverDef, BigInt(serverDef.length), status),
  );
  current = made;
}

let gpu: boolean | undefined;

/**
 * Whether TensorFlow found a GPU that it can use. Where there should be one and is not, it says so, see reportNoGpu().
 *
 * @throws Error where there is none and IJEPA_TF is "cuda"
 */
export function hasGpu(): boolean {
  if (gpu !== undefined) return gpu;
  const found = listsGpu();
  if (!found) reportNoGpu(locateTensorFlow());
  return gpu = found;
}

function listsGpu(): boolean {
  return checked(() => "TensorFlow could not list its devices", (tf, status) => {
    const devices = tf.TFE_ContextListDevices(context(), status);
    const types = Array.from(
      { length: tf.TF_DeviceListCount(devices) },
      (_, i) => fromCString(tf.TF_DeviceListType(devices, i, status)),
    );
    tf.TF_DeleteDeviceList(devices);
    return types.includes("GPU");
  });
}

/** TensorFlow's version, e.g. "2.21.0". */
export function tensorflowVersion(): string {
  return fromCString(library().TF_Version());
}

function adopt(handle: Deno.PointerValue): EagerValue {
  live++;
  return checked(() => "A tensor's shape could not be read", (tf, status) => {
    const rank = tf.TFE_TensorHandleNumDims(handle, status);
    const shape = Array.from({ length: rank }, (_, i) => Number(tf.TFE_TensorHandleDim(handle, i, status)));
    return { handle, shape, dtype: tf.TFE_TensorHandleDataType(handle) };
  });
}

function adoptTensor(tensor: Deno.PointerValue, shape: readonly number[], dtype: number): EagerValue {
  const handle = checked(() => "A tensor could not be made", (tf, status) => {
    const made = tf.TFE_NewTensorHandle(tensor, status);
    tf.TF_DeleteTensor(tensor);
    return made;
  });
  live++;
  return { handle, shape: [...shape], dtype };
}

/** Copies values into TensorFlow. */
export function fromHost(shape: readonly number[], dtype: number, values: HostValues): EagerValue {
  return adoptTensor(newTensor(shape, dtype, values), shape, dtype);
}

/** A value whose `byteLength` bytes `fill` puts straight into TensorFlow's memory; they are lent for as long as that takes. */
export async function filledValue(
  shape: readonly number[],
  dtype: number,
  byteLength: number,
  fill: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<EagerValue> {
  const tensor = allocateTensor(shape, dtype, byteLength);
  try {
    await fill(bytesOf(tensor));
  } catch (error) {
    library().TF_DeleteTensor(tensor);
    throw error;
  }
  return adoptTensor(tensor, shape, dtype);
}

/** What is lent to TensorFlow, so that the garbage collector leaves it. */
const lent = new Set<Uint8Array>();

/**
 * Lends bytes to TensorFlow as a string, for as long as `use` takes and without a copy: TensorFlow keeps what it copies of a
 * string, once it is longer than 22 bytes, for good.
 *
 * @param bytes more than 64: the engine moves smaller arrays
 */
export async function lendString<T>(
  bytes: Uint8Array<ArrayBuffer>,
  use: (value: EagerValue) => Promise<T>,
): Promise<T> {
  if (bytes.byteLength <= 64) {
    throw new RangeError(`Bytes that are lent must be more than 64; got ${bytes.byteLength}.`);
  }
  const held = bytes.subarray(); // of its own, as the same bytes may be lent twice
  lent.add(held);
  const value = adoptTensor(viewString(held), [], DType.STRING);
  try {
    return await use(value);
  } finally {
    release(value);
    lent.delete(held);
  }
}

/**
 * Lends a value's bytes for as long as `use` takes, without holding up the event loop: TensorFlow's own memory, or a copy
 * where that is a GPU's. They are to be read only, and what happens to variables meanwhile does not change them.
 */
export async function lendValue<T>(
  value: EagerValue,
  use: (bytes: Uint8Array<ArrayBuffer>) => Promise<T>,
): Promise<T> {
  const held = share(value); // The caller may dispose of the tensor meanwhile.
  try {
    const tensor = await resolveAsync(held);
    try {
      return await use(bytesOf(tensor));
    } finally {
      library().TF_DeleteTensor(tensor);
    }
  } finally {
    release(held);
  }
}

/** As lendValue(), of a value that is there already and in main memory: at once. */
export function lendNow<T>(value: EagerValue, use: (bytes: Uint8Array<ArrayBuffer>) => T): T {
  const doing = () => "A tensor's values could not be read";
  const tensor = checked(doing, (tf, status) => tf.TFE_TensorHandleResolve(value.handle, status));
  try {
    return use(bytesOf(tensor));
  } finally {
    library().TF_DeleteTensor(tensor);
  }
}

/** Waits for a tensor's values and copies them out. */
export function toHost(value: EagerValue): ReturnType<typeof takeValues> {
  const doing = () => "A tensor's values could not be read";
  return takeValues(checked(doing, (tf, status) => tf.TFE_TensorHandleResolve(value.handle, status)));
}

function resolveAsync(value: EagerValue): Promise<Deno.PointerValue> {
  const doing = () => "A tensor's values could not be read";
  return checkedAsync(doing, (tf, status) => tf.TFE_TensorHandleResolveAsync(value.handle, status));
}

/** As toHost(), without holding up the event loop. */
export async function toHostAsync(value: EagerValue): Promise<ReturnType<typeof takeValues>> {
  const held = share(value); // The caller may dispose of the tensor meanwhile.
  try {
    return takeValues(await resolveAsync(held));
  } finally {
    release(held);
  }
}

/** A second handle to the same memory. */
export function share(value: EagerValue): EagerValue {
  const doing = () => "A tensor could not be shared";
  const handle = checked(doing, (tf, status) => tf.TFE_TensorHandleCopySharingTensor(value.handle, status));
  live++;
  return { ...value, handle };
}

/** Frees a handle, and with the last one the memory. */
export function release(value: EagerValue): void {
  live--;
  library().TFE_DeleteTensorHandle(value.handle);
}

/** An op with its inputs and attributes set; TensorFlow keeps the inputs alive until it is deleted. */
function prepare(name: string, attributes: readonly Attribute[], inputs: readonly EagerValue[], isFunction: boolean) {
  const doing = () => describeCall(name, inputs);
  const op = checked(doing, (tf, status) => tf.TFE_NewOp(context(), cString(name), status));
  const inferred = isFunction ? undefined : opDef(name).inferred;
  for (const attribute of attributes) {
    if (!inferred?.has(attribute.name)) setAttribute("eager", op, attribute);
  }
  for (const input of isFunction ? inputs : groupInputs(name, inputs)) {
    checked(doing, (tf, status) => {
      if (!Array.isArray(input)) return tf.TFE_OpAddInput(op, (input as EagerValue).handle, status);
      const handles = BigUint64Array.from(input, ({ handle }) => Deno.UnsafePointer.value(handle));
      tf.TFE_OpAddInputList(op, handles.length ? handles : new BigUint64Array(1), input.length, status);
    });
  }
  return op;
}

function results(handles: BigUint64Array, count: Int32Array): EagerValue[] {
  return Array.from(handles.subarray(0, count[0]), (handle) => adopt(Deno.UnsafePointer.create(handle)));
}

/**
 * Executes an op.
 *
 * @throws TensorFlowError that names the op, its inputs' types and shapes, and TensorFlow's reason.
 */
export function execute(
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly EagerValue[],
  outputs: number,
): EagerValue[] {
  const op = prepare(name, attributes, inputs, false);
  const handles = new BigUint64Array(Math.max(1, outputs)), count = new Int32Array([outputs]);
  try {
    checked(() => describeCall(name, inputs), (tf, status) => tf.TFE_Execute(op, handles, count, status));
  } finally {
    library().TFE_DeleteOp(op);
  }
  return results(handles, count);
}

/** Makes a function callable by its name. */
export function addFunction({ name, pointer }: { name: string; pointer: Deno.PointerValue }): void {
  checked(() => `Function ${name}`, (tf, status) => tf.TFE_ContextAddFunction(context(), pointer, status));
}

/** Forgets a function. */
export function removeFunction(name: string): void {
  checked(() => `Function ${name}`, (tf, status) => tf.TFE_ContextRemoveFunction(context(), cString(name), status));
}

/** Executes what is prepared off the event loop, once its turn has come. */
async function executePrepared(
  op: Deno.PointerValue,
  doing: () => string,
  outputs: number,
  turn?: Promise<unknown>,
): Promise<EagerValue[]> {
  const handles = new BigUint64Array(Math.max(1, outputs)), count = new Int32Array([outputs]);
  try {
    await turn;
    await checkedAsync(doing, (tf, status) => tf.TFE_ExecuteAsync(op, handles, count, status));
  } finally {
    library().TFE_DeleteOp(op);
  }
  return results(handles, count);
}

/** As execute(), off the event loop; it takes hold of the inputs at once. */
export async function executeAsync(
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly EagerValue[],
  outputs: number,
): Promise<EagerValue[]> {
  const call = describeCall(name, inputs);
  return await executePrepared(prepare(name, attributes, inputs, false), () => call, outputs);
}

/**
 * Executes a function of the context off the event loop: timers, decoding and displays go on meanwhile. It takes hold of
 * the inputs at once, and begins when its turn has come, if it has to wait for one.
 */
export async function executeFunction(
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly EagerValue[],
  outputs: number,
  turn?: Promise<unknown>,
): Promise<EagerValue[]> {
  const op = prepare(name, attributes, inputs, true);
  return await executePrepared(op, () => `The compiled function ${name} failed`, outputs, turn);
}
