/**
 * The gradients of sums, means and repetitions. tfjs's own multiply by ones of the input's whole size, made in JavaScript, so
 * that tracing a step takes the longer the larger its batch, and take a repetition apart slice by slice.
 *
 * @module
 */
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";

type Tensor = InstanceType<(typeof tf)["Tensor"]>;
type Gradient = tf.GradConfig["gradFunc"];

/** Of y = sum or mean of x over some axes: dy at each of the places that went into it. */
function spread(kernelName: string): Gradient {
  return (dy, [x], attrs) => {
    const axes = tf.util.parseAxisParam((attrs as unknown as { axis: number | number[] }).axis, x.shape);
    const kept = x.shape.map((dimension, i) => axes.includes(i) ? 1 : dimension);
    const count = kernelName === "Mean" ? tf.util.sizeFromShape(axes.map((axis) => x.shape[axis])) : 1;
    return {
      x: () => {
        const each = tf.reshape(dy as Tensor, kept);
        return tf.broadcastTo(count > 1 ? tf.div(each, count) : each, x.shape);
      },
    };
  };
}

/** Of y = x repeated along its axes: dy summed over the repetitions. */
const gathered: Gradient = (dy, [x], attrs) => {
  const { reps } = attrs as unknown as { reps: number[] };
  return {
    x: () => {
      const apart = tf.reshape(dy as Tensor, x.shape.flatMap((dimension, i) => [reps[i], dimension]));
      return tf.sum(apart, reps.map((_, i) => 2 * i));
    },
  };
};

/** Registers them in place of tfjs's. */
export function registerReductionGradients(): void {
  const gradients = { Sum: spread("Sum"), Mean: spread("Mean"), Tile: gathered };
  for (const [kernelName, gradFunc] of Object.entries(gradients)) {
    tf.unregisterGradient(kernelName);
    tf.registerGradient({ kernelName, inputsToSave: ["x"], gradFunc });
  }
}
