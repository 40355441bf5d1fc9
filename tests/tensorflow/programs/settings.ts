/** Compiles with XLA, and prints whether products in float32 may be computed in TF32. */
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";
import { library } from "../../../lib/tensorflow/libraries/library.ts";

await compile((x: tf.Tensor) => tf.exp(x), { jit: "xla" })(tf.ones([4]));
console.log(library().tensorFloat32Enabled?.());
