import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { describe, DType } from "../../../lib/tensorflow/ops/dtypes.ts";
import { execute, fromHost, release, toHost } from "../../../lib/tensorflow/ops/eager.ts";
import type { HostValues } from "../../../lib/tensorflow/ops/host_tensors.ts";
import { AttrKind } from "../../../lib/tensorflow/ops/attributes.ts";
import "../loaded.ts";

/** Into TensorFlow and out again. */
function roundTrip(shape: number[], dtype: number, values: HostValues): HostValues {
  const value = fromHost(shape, dtype, values);
  try {
    return toHost(value) as HostValues;
  } finally {
    release(value);
  }
}

Deno.test("values of every type come back as they went in", () => {
  const cases: [number, HostValues][] = [
    [DType.FLOAT, new Float32Array([1.5, -0, NaN, Infinity])],
    [DType.DOUBLE, new Float64Array([Math.PI, -1e300])],
    [DType.INT32, new Int32Array([2 ** 31 - 1, -(2 ** 31)])],
    [DType.UINT8, new Uint8Array([0, 255, 128])],
    [DType.BOOL, new Uint8Array([1, 0])],
    [DType.INT64, new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), 5n])],
    [DType.BFLOAT16, new Uint16Array([0x3f80, 0xbf00])],
    [DType.FLOAT, new Float32Array()],
  ];
  for (const [dtype, values] of cases) {
    assertEquals(roundTrip([values.length], dtype, values), values, describe(dtype, [values.length]));
  }
  assertEquals(roundTrip([1], DType.COMPLEX64, new Float32Array([1, 2])), new Float32Array([1, 2]));
});

Deno.test("values that lie in the middle of a buffer go in unchanged", () => {
  const middle = new Float32Array([1, 2, 3, 4, 5]).subarray(1, 4);
  assertEquals(roundTrip([3], DType.FLOAT, middle), new Float32Array([2, 3, 4]));
});

Deno.test("strings come back as they went in, whatever their length and alphabet", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 60 })), (strings) => {
    const bytes = roundTrip([strings.length], DType.STRING, strings) as Uint8Array[];
    assertEquals(bytes.map((each) => new TextDecoder().decode(each)), strings);
  }));
});

Deno.test("tfjs's string tensors come back through TensorFlow's own ops", async () => {
  const strings = ["", "context", "Zielblöcke", "x".repeat(1000), "日本"];
  const tensor = tf.concat([tf.tensor1d(strings), tf.tensor1d(["end"])]);
  assertEquals<unknown>(await tensor.data(), [...strings, "end"]);
  assertEquals(tf.reshape(tensor, [2, 3]).arraySync(), [strings.slice(0, 3), [...strings.slice(3), "end"]] as unknown);
});

Deno.test("64-bit integers are made from bigints, numbers, and the pairs of words that tfjs writes", () => {
  assertEquals(roundTrip([2], DType.INT64, [5, -6]), new BigInt64Array([5n, -6n]));
  assertEquals(roundTrip([], DType.INT64, new Int32Array([-2, -1])), new BigInt64Array([-2n]));
  const counts = fromHost([2], DType.INT64, new BigInt64Array([2n ** 40n, -1n]));
  const [sum] = execute("AddV2", [{ name: "T", type: AttrKind.TYPE, value: DType.INT64 }], [counts, counts], 1);
  assertEquals(toHost(sum), new BigInt64Array([2n ** 41n, -2n]));
  [counts, sum].forEach(release);
});

Deno.test("uint8Tensor() holds bytes, which a cast turns into numbers", () => {
  const tensor = uint8Tensor(new Uint8Array([0, 7, 255, 128]), [2, 2]);
  assertEquals(tensor.shape, [2, 2]);
  assertEquals([...tf.mul(tf.cast(tensor, "float32"), 2).dataSync()], [0, 14, 510, 256]);
});

Deno.test("a number of values that does not fit the shape is refused", () => {
  assertThrows(() => uint8Tensor(new Uint8Array(5), [2, 3]), Error, "uint8 [2, 3] needs 6 values, but was given 5");
  assertThrows(() => fromHost([3], DType.STRING, ["a"]), Error, "string [3] needs 3 values, but was given 1");
});

Deno.test("data() reads a tensor that its caller disposes of meanwhile", async () => {
  const reading = Array.from({ length: 20 }, (_, i) => {
    const tensor = tf.fill([300_000], i).square();
    const values = tensor.data();
    tensor.dispose();
    return values;
  });
  for (const [i, values] of (await Promise.all(reading)).entries()) assertEquals(values[299_999], i * i);
});
