/**
 * Event files for TensorBoard, by TensorFlow's own summary writers.
 *
 * @module
 */
import { AttrKind } from "../ops/attributes.ts";
import { DType } from "../ops/dtypes.ts";
import { type EagerValue, execute, fromHost, release } from "../ops/eager.ts";
import type { HostValues } from "../ops/host_tensors.ts";

/** A folder's event file while it is being written. Steps are those done, from 1 on. */
export interface SummaryWriter extends Disposable {
  /** One number. */
  scalar(step: number, tag: string, value: number): void;
  /** A picture, [height, width, 3], 8-bit sRGB. */
  image(step: number, tag: string, pixels: Uint8Array, height: number, width: number): void;
  /** How numbers are distributed. */
  histogram(step: number, tag: string, values: Float32Array): void;
  /** Waits until the file has all that was written. */
  flush(): void;
}

/** Summaries that wait to be written, and for how long at most, in ms. */
const QUEUE = 100, FLUSH = 10_000;

let made = 0;

/**
 * Opens a new event file in a folder, which is made; TensorBoard takes all that are there together, so a run that goes on
 * opens another one beside. What was in progress when a process died is whole up to the last flush.
 *
 * @param dir the folder
 * @throws TensorFlowError with TensorFlow's reason where it cannot be written, then or at a later call
 */
export function openSummaryWriter(dir: string): SummaryWriter {
  const text = (value: string) => fromHost([], DType.STRING, [value]);
  const whole = (value: number) => fromHost([], DType.INT32, Int32Array.of(value));
  /** Runs an op without results, and frees its inputs but the first, which is the writer. */
  const run = (
    name: string,
    writer: EagerValue,
    inputs: EagerValue[],
    attributes: Parameters<typeof execute>[1] = [],
  ) => {
    try {
      execute(name, attributes, [writer, ...inputs], 0);
    } finally {
      inputs.forEach(release);
    }
  };
  const named = { name: "shared_name", type: AttrKind.STRING, value: `ijepa-summaries-${Deno.pid}-${made++}` };
  const [writer] = execute("SummaryWriter", [named, { name: "container", type: AttrKind.STRING, value: "" }], [], 1);
  try {
    run("CreateSummaryFileWriter", writer, [text(dir), whole(QUEUE), whole(FLUSH), text("")]);
  } catch (error) {
    release(writer);
    throw error;
  }
  const write = (op: string, step: number, tag: string, shape: number[], dtype: number, values: HostValues) => {
    const at = fromHost([], DType.INT64, BigInt64Array.of(BigInt(step))), value = fromHost(shape, dtype, values);
    const type = { name: "T", type: AttrKind.TYPE, value: dtype };
    if (op !== "WriteImageSummary") return run(op, writer, [at, text(tag), value], [type]);
    const red = fromHost([4], DType.UINT8, Uint8Array.of(255, 0, 0, 255)); // for pixels that are no numbers
    run(op, writer, [at, text(tag), value, red], [{ name: "max_images", type: AttrKind.INT, value: 1 }, type]);
  };
  return {
    scalar: (step, tag, value) => write("WriteScalarSummary", step, tag, [], DType.FLOAT, Float32Array.of(value)),
    image: (step, tag, pixels, height, width) =>
      write("WriteImageSummary", step, tag, [1, height, width, 3], DType.UINT8, pixels),
    histogram: (step, tag, values) => write("WriteHistogramSummary", step, tag, [values.length], DType.FLOAT, values),
    flush: () => run("FlushSummaryWriter", writer, []),
    [Symbol.dispose]() {
      try {
        run("CloseSummaryWriter", writer, []);
      } finally {
        release(writer);
      }
    },
  };
}
