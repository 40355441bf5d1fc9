/**
 * Diffusion of images as formulas on tensors: noise added (Ho et al. 2020, arXiv 2006.11239), what the network is to say,
 * and a sampling step without noise (DDIM, Song et al. 2021, arXiv 2010.02502).
 *
 * The network predicts v = sqrt(alpha-bar) noise - sqrt(1 - alpha-bar) image (Salimans and Ho 2022, arXiv 2202.00512), and the
 * loss is the plain mean square of its error, DDPM's simple loss for that target. An error in the image then weighs
 * 1 + alpha-bar / (1 - alpha-bar); for DDPM's noise prediction it weighs alpha-bar / (1 - alpha-bar), almost nothing where
 * little but noise is left. But there is decided what a representation says of an image, and there sampling in a few steps
 * takes its longest strides: so v.
 *
 * @module
 */
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** x_t = sqrt(alpha-bar) x_0 + sqrt(1 - alpha-bar) noise: x_0 and noise [B, H, W, 3], alphaBar [B, 1, 1, 1]. */
export const addNoise: (image: Tensor, noise: Tensor, alphaBar: Tensor) => Tensor = fused(
  "add_noise",
  (image: Tensor, noise: Tensor, alphaBar: Tensor) =>
    tf.add(tf.mul(tf.sqrt(alphaBar), image), tf.mul(tf.sqrt(tf.sub(1, alphaBar)), noise)),
);

/** v = sqrt(alpha-bar) noise - sqrt(1 - alpha-bar) x_0, what the network is to predict; shapes as addNoise(). */
export const velocity: (image: Tensor, noise: Tensor, alphaBar: Tensor) => Tensor = fused(
  "velocity",
  (image: Tensor, noise: Tensor, alphaBar: Tensor) =>
    tf.sub(tf.mul(tf.sqrt(alphaBar), noise), tf.mul(tf.sqrt(tf.sub(1, alphaBar)), image)),
);

/** x_0 as x_t and v have it: sqrt(alpha-bar) x_t - sqrt(1 - alpha-bar) v. */
export function imageOf(noisy: Tensor, v: Tensor, alphaBar: Tensor): Tensor {
  return tf.sub(tf.mul(tf.sqrt(alphaBar), noisy), tf.mul(tf.sqrt(tf.sub(1, alphaBar)), v));
}

/**
 * A DDIM step with eta = 0 from a noise level to a lower one (Song et al. 2021, equation 12). The image that the network
 * sees in the noise is held within -1 .. 1, which pixels are, and the noise is what then remains.
 *
 * @param noisy x_t [B, H, W, 3]
 * @param v the network's prediction [B, H, W, 3]
 * @param alphaBar of x_t, a scalar above 0 and below 1
 * @param nextAlphaBar of the result; 1 gives the image
 */
export const ddimStep: (noisy: Tensor, v: Tensor, alphaBar: Tensor, nextAlphaBar: Tensor) => Tensor = fused(
  "ddim_step",
  (noisy: Tensor, v: Tensor, alphaBar: Tensor, nextAlphaBar: Tensor) => {
    const image = tf.clipByValue(imageOf(noisy, v, alphaBar), -1, 1);
    const noise = tf.div(tf.sub(noisy, tf.mul(tf.sqrt(alphaBar), image)), tf.sqrt(tf.sub(1, alphaBar)));
    return tf.add(tf.mul(tf.sqrt(nextAlphaBar), image), tf.mul(tf.sqrt(tf.sub(1, nextAlphaBar)), noise));
  },
);

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598): away from what the network says without a
 * condition. A scale of 1 is the conditional prediction, 0 the unconditional one.
 */
export function guide(conditional: Tensor, unconditional: Tensor, scale: Tensor): Tensor {
  return tf.add(unconditional, tf.mul(scale, tf.sub(conditional, unconditional)));
}
