import "../tensorflow/loaded.ts";
import { assert, assertEquals } from "@std/assert";
import ort from "npm:onnxruntime-node@1.30.0";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { encode } from "../../lib/jepa/encoder.ts";
import { encoderGraph } from "../../lib/jepa/onnx_graph.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { writeOnnx } from "../../lib/weights/formats/onnx.ts";
import { lentRounded } from "../../lib/weights/formats/streamed.ts";
import { withFolder } from "../with_folder.ts";

const size = { image: 24, patch: 4, width: 36, depth: 2, heads: 3, mlpRatio: 2, epsilon: 1e-3 };
const { image, patch, width } = size, rows = image / patch;

/** Parameters of which none is 0 or 1, as a network's own are at first. */
function parameters() {
  return Object.fromEntries(
    Object.entries(initialise(encoderShapes(size), 1)).map(([name, start], i) => {
      const noise = tf.randomNormal(start.shape, 0, 0.2, "float32", i);
      return [name, tf.tidy(() => tf.add(start, noise))];
    }),
  );
}

/** What onnxruntime makes of pixels, standardised, [B, 3, H, W]. */
async function run(path: string, pixels: Float32Array, batch: number): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(path);
  const given = new ort.Tensor("float32", pixels, [batch, 3, image, image]);
  const { last_hidden_state: out } = await session.run({ pixel_values: given });
  assertEquals(out.dims, [batch, rows * rows, width]);
  await session.release();
  return out.data as Float32Array;
}

const farthest = (a: Float32Array, b: Float32Array) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

Deno.test("onnxruntime gives what encode() does, of one file or of two, in F32 and F16, at any batch", () =>
  withFolder(async (folder) => {
    const p = parameters(), batch = 2;
    const pixels = tf.randomNormal([batch, 3, image, image], 0, 1, "float32", 7);
    const ours = tf.tidy(() => {
      const grid = tf.reshape(pixels, [batch, 3, rows, patch, rows, patch]);
      const patches = tf.reshape(tf.transpose(grid, [0, 2, 4, 1, 3, 5]), [batch, rows * rows, 3 * patch * patch]);
      return encode(p, size, patches);
    });
    const values = await pixels.data() as Float32Array, expected = await ours.data() as Float32Array;
    const cases = [["F32", 1e9, 1e-5], ["F32", 1000, 1e-5], ["F16", 1e9, 5e-3]] as const;
    for (const [dtype, most, tolerance] of cases) {
      const path = `${folder}/${dtype}-${most}.onnx`;
      const tensors = Object.fromEntries(
        Object.entries(p).map(([name, tensor]) => [name, lentRounded(tensor, dtype, () => new Error(name))]),
      );
      assertEquals(await writeOnnx(path, encoderGraph(size, dtype === "F16"), tensors, undefined, most), most < 1e9);
      const theirs = await run(path, values, batch), one = await run(path, values.slice(0, values.length / 2), 1);
      const difference = farthest(expected, theirs);
      assert(difference < tolerance, `${dtype}: ${difference}`);
      assert(farthest(one, theirs) < 1e-5);
      if (dtype === "F16") assert(difference > 1e-5, "rounded");
    }
    tf.dispose([p, pixels, ours]);
  }));
