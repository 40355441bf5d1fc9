/**
 * How fast this machine multiplies matrices in each precision, and which one a run is to take where it leaves that open:
 * bfloat16 is twice as fast on one CPU, half as fast on the next, and emulated on a third.
 *
 * @module
 */
import type { Precision, PrecisionChoice } from "./autocast.ts";
import { tf } from "./backend.ts";
import { compile } from "./compile.ts";
import { hasGpu } from "./ops/eager.ts";

/** FLOP/s of matrix products. */
export type ProductRates = Record<Precision, number>;

/** The products' inner and outer widths are those of an MLP: D and so many times D. */
const MLP = 4;
/** Ups and downs, one after the other: in a step too, few products have float32 neighbours. */
const PAIRS = 2;
/** Work of one measurement: some 20 ms of two cores, some ms of a GPU. */
const FLOPS = { cpu: 6e9, gpu: 2e12 };
/** Milliseconds of measurements, after the first, which compiles. */
const TIME = 100;
/** bfloat16 rounds, so it has to be so many times as fast. */
const GAIN = 1.1;

const known = new Map<number, Promise<ProductRates>>();

/**
 * Measures the products of networks of this width, the two precisions in turn, the best of each; once a process, in a
 * tenth of a second, and as much again or twice for compiling.
 */
export function productRates(width: number): Promise<ProductRates> {
  let rates = known.get(width);
  if (!rates) known.set(width, rates = measure(width));
  return rates;
}

async function measure(width: number): Promise<ProductRates> {
  const perRow = 2 * PAIRS * 2 * width * MLP * width;
  const rows = Math.max(256, Math.round((hasGpu() ? FLOPS.gpu : FLOPS.cpu) / perRow));
  const x = tf.fill([rows, width], 0.1), up = tf.fill([width, MLP * width], 0.1), down = tf.fill(up.shape, 0.01);
  const products = (x: tf.Tensor2D, up: tf.Tensor2D, down: tf.Tensor2D) => {
    for (let i = 0; i < PAIRS; i++) x = tf.matMul(tf.matMul(x, up), down, false, true);
    return tf.mean(x);
  };
  const sides = (["float32", "bfloat16"] as const).map((precision) => {
    const run = compile(products, { precision, name: "product_rate" });
    return { precision, run, fastest: Infinity };
  });
  const time = async (side: typeof sides[number]) => {
    const start = performance.now();
    const result = await side.run(x as tf.Tensor2D, up as tf.Tensor2D, down as tf.Tensor2D);
    await result.data();
    result.dispose();
    return performance.now() - start;
  };
  try {
    for (const side of sides) await time(side);
    const end = performance.now() + TIME;
    do {
      for (const side of sides) side.fastest = Math.min(side.fastest, await time(side));
    } while (performance.now() < end);
  } finally {
    tf.dispose([x, up, down]);
    for (const { run } of sides) run.dispose();
  }
  const rateOf = (precision: Precision) =>
    1000 * rows * perRow / sides.find((side) => side.precision === precision)!.fastest;
  return { float32: rateOf("float32"), bfloat16: rateOf("bfloat16") };
}

/** The precision with the higher rate: bfloat16 where it is at least a tenth faster. */
export function fasterOf({ float32, bfloat16 }: ProductRates): Precision {
  return bfloat16 >= GAIN * float32 ? "bfloat16" : "float32";
}

/** The precision that is asked for, or with "auto" the one in which this machine multiplies networks of this width faster. */
export async function decidePrecision(asked: PrecisionChoice, width: number): Promise<Precision> {
  return asked === "auto" ? fasterOf(await productRates(width)) : asked;
}
