/**
 * The diffusion's network: a Diffusion Transformer with adaLN-Zero (DiT, Peebles and Xie 2023, arXiv 2212.09748), in pixel
 * space, conditioned on a representation in the place of a class.
 *
 * Why no U-Net: not because convolutions were slow, for on a CPU this engine's 3 x 3 convolutions reach about the FLOP/s of
 * its matrix products. But a U-Net for 32 pixels of 64 and 128 channels takes some 2 GFLOP an image forward, four times
 * what eight of these blocks take (width 192, patches of 4 pixels), and norms and activations at full resolution pass over
 * five times the memory; one of the same cost would have 32 channels. An hour on two cores is eight epochs of CIFAR-10 for
 * the transformer, whose layers, besides, are the encoder's. Which of the two draws better after that hour has not been tried.
 *
 * Parameters have the names of the DiT paper's code. Patches go in and out in the order of patchify(), so the whole
 * diffusion takes place on [B, N, 3*p*p].
 *
 * @module
 */
import type { ParameterShapes } from "../jepa/architectures.ts";
import { attend, biasedGelu, linear, product, standardise } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { sineCosinePositions } from "../nn/positions.ts";
import { randomStream } from "../random.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused } from "../tensorflow/fused.ts";

/** Sizes of a Diffusion Transformer. */
export interface DitSize {
  /** Height and width of the image, in pixels. */
  image: number;
  /** Height and width of a patch, in pixels. */
  patch: number;
  /** Length of a token, D. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads, a divisor of the width. */
  heads: number;
  /** Length of the representation that it is conditioned on, C. */
  condition: number;
}

/** Length of the sines and cosines of a time step. */
const TIME_FREQUENCIES = 256;

/** Names and shapes of the parameters. `pos_embed` [1, N, D] is fixed. */
export function ditShapes({ image, patch, width, depth, condition }: DitSize): ParameterShapes {
  const shapes: Record<string, readonly number[]> = {
    "x_embedder.proj.weight": [width, 3 * patch * patch],
    "x_embedder.proj.bias": [width],
    "pos_embed": [1, (image / patch) ** 2, width],
    "t_embedder.mlp.0.weight": [width, TIME_FREQUENCIES],
    "t_embedder.mlp.0.bias": [width],
    "t_embedder.mlp.2.weight": [width, width],
    "t_embedder.mlp.2.bias": [width],
    "y_embedder.proj.weight": [width, condition],
    "y_embedder.proj.bias": [width],
    "y_embedder.unconditional": [width],
  };
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    shapes[`${block}.attn.qkv.weight`] = [3 * width, width];
    shapes[`${block}.attn.qkv.bias`] = [3 * width];
    shapes[`${block}.attn.proj.weight`] = [width, width];
    shapes[`${block}.attn.proj.bias`] = [width];
    shapes[`${block}.mlp.fc1.weight`] = [4 * width, width];
    shapes[`${block}.mlp.fc1.bias`] = [4 * width];
    shapes[`${block}.mlp.fc2.weight`] = [width, 4 * width];
    shapes[`${block}.mlp.fc2.bias`] = [width];
    shapes[`${block}.adaLN_modulation.1.weight`] = [6 * width, width];
    shapes[`${block}.adaLN_modulation.1.bias`] = [6 * width];
  }
  shapes["final_layer.adaLN_modulation.1.weight"] = [2 * width, width];
  shapes["final_layer.adaLN_modulation.1.bias"] = [2 * width];
  shapes["final_layer.linear.weight"] = [3 * patch * patch, width];
  shapes["final_layer.linear.bias"] = [3 * patch * patch];
  return shapes;
}

/**
 * New parameters as in DiT (section 4): every block begins as the identity and the network's output as zero, for
 * modulations and the last layer are zeros; embeddings are normal with deviation 0.02, the other matrices Xavier's.
 *
 * @param seed the same seed gives the same values on every machine
 */
export function initialiseDit(size: DitSize, seed: number): Parameters {
  return Object.fromEntries(
    Object.entries(ditShapes(size)).map(([name, shape]) => [
      name,
      tf.tensor(initialValues(name, shape, seed), [...shape], "float32"),
    ]),
  );
}

function initialValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  if (name === "pos_embed") return sineCosinePositions(shape[2], Math.sqrt(shape[1]));
  if (name.endsWith(".bias") || /adaLN_modulation|final_layer/.test(name)) return new Float32Array(length);
  const random = randomStream(seed, ...new TextEncoder().encode(name));
  if (/^[ty]_embedder/.test(name)) return Float32Array.from({ length }, () => 0.02 * random.normal());
  const bound = Math.sqrt(6 / (shape[0] + shape[1]));
  return Float32Array.from({ length }, () => (2 * random.uniform() - 1) * bound);
}

const silu = fused("silu", (x: Tensor) => tf.mul(x, tf.sigmoid(x)), "activation");

/** norm(x) (1 + scale) + shift: x [B, N, D]; shift and scale [B, 1, D]. The norm has no parameters of its own. */
const modulatedNorm = fused(
  "modulated_norm",
  (x: Tensor, shift: Tensor, scale: Tensor) => tf.add(tf.mul(standardise(x, 1e-6), tf.add(scale, 1)), shift),
  "activation",
);

/** x + gate (y + b): the residual stream takes in what a branch computed, as far as the gate lets it. */
const addGated = fused(
  "gated_residual",
  (x: Tensor, y: Tensor, bias: Tensor, gate: Tensor) => tf.add(x, tf.mul(gate, tf.add(y, bias))),
);

/** The parts of a modulation, [B, 1, D] each, that a condition [B, D], after its SiLU, asks for. */
function modulation(p: Parameters, name: string, condition: Tensor, parts: number): Tensor[] {
  const all = linear(p, `${name}.adaLN_modulation.1`, condition); // [B, parts*D]
  const [batch, width] = condition.shape;
  return tf.split(tf.reshape(all, [batch, 1, parts * width!]), parts, 2);
}

/**
 * A transformer block with adaLN-Zero: [B, N, D] to [B, N, D].
 *
 * @param condition [B, D], the time step's and the representation's embedding after SiLU
 */
export function ditBlock(p: Parameters, name: string, x: Tensor, condition: Tensor, heads: number): Tensor {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(p, name, condition, 6);
  const attended = attend(p, `${name}.attn`, modulatedNorm(x, shift1, scale1), heads);
  x = addGated(x, attended, p[`${name}.attn.proj.bias`], gate1);
  const hidden = product(modulatedNorm(x, shift2, scale2), p[`${name}.mlp.fc1.weight`]); // [B, N, 4D]
  const branch = product(biasedGelu(hidden, p[`${name}.mlp.fc1.bias`]), p[`${name}.mlp.fc2.weight`]);
  return addGated(x, branch, p[`${name}.mlp.fc2.bias`], gate2);
}

/** Cosines, then sines, of time steps [B] at 128 frequencies from 1 to 1/10000: [B, 256]. */
export function timeFrequencies(time: Tensor): Tensor {
  const half = TIME_FREQUENCIES / 2;
  const frequencies = tf.tensor2d(Array.from({ length: half }, (_, i) => 10000 ** (-i / half)), [1, half]);
  const angles = tf.mul(tf.reshape(time, [-1, 1]), frequencies); // [B, 128]
  return tf.concat([tf.cos(angles), tf.sin(angles)], 1);
}

/** The embedding of time steps [B] and of representations [B, C], of those with `kept` [B] 0 the one for none: [B, D]. */
function embedCondition(p: Parameters, time: Tensor, representation: Tensor, kept: Tensor): Tensor {
  const hidden = silu(linear(p, "t_embedder.mlp.0", timeFrequencies(time)));
  const conditional = linear(p, "y_embedder.proj", representation); // [B, D]
  const share = tf.reshape(kept, [-1, 1]);
  const y = tf.add(tf.mul(share, conditional), tf.mul(tf.sub(1, share), p["y_embedder.unconditional"]));
  return tf.add(linear(p, "t_embedder.mlp.2", hidden), y);
}

/**
 * What the network predicts of noisy patches.
 *
 * @param noisy [B, N, 3*p*p], x_t
 * @param time float32 [B], the diffusion's steps t
 * @param representation [B, C], standardised
 * @param kept float32 [B], 1, or 0 where the representation is to be ignored
 * @returns [B, N, 3*p*p]
 */
export function dit(
  p: Parameters,
  { depth, heads }: DitSize,
  noisy: Tensor,
  time: Tensor,
  representation: Tensor,
  kept: Tensor,
): Tensor {
  const condition = silu(embedCondition(p, time, representation, kept)); // [B, D]
  let x = tf.add(linear(p, "x_embedder.proj", noisy), p["pos_embed"]); // [B, N, D]
  for (let i = 0; i < depth; i++) x = ditBlock(p, `blocks.${i}`, x, condition, heads);
  const [shift, scale] = modulation(p, "final_layer", condition, 2);
  return linear(p, "final_layer.linear", modulatedNorm(x, shift, scale));
}
