/**
 * The encoder as a graph of ONNX's operators, for runtimes other than this kit's. It follows encode() in encoder.ts.
 *
 * @module
 */
import type { OnnxAttribute, OnnxGraph, OnnxNode } from "../weights/formats/onnx.ts";
import type { EncoderSize } from "./architectures.ts";

/**
 * The target encoder's forward pass: `pixel_values` [batch, C, H, W], which are standardised, to `last_hidden_state`
 * [batch, N, D], the names that transformers and transformers.js have. Tensors have the authors' names.
 *
 * @param half whether the tensors are float16, which are widened before they are used; what is computed is float32
 */
export function encoderGraph(
  { image, patch, channels = 3, width, depth, heads, mlpRatio, epsilon = 1e-6 }: EncoderSize,
  half: boolean,
): OnnxGraph {
  const nodes: OnnxNode[] = [], perHead = width / heads, tokens = (image / patch) ** 2;
  const apply = (operator: string, inputs: string[], attributes: Record<string, OnnxAttribute> = {}, parts = 1) => {
    const outputs = Array.from({ length: parts }, (_, i) => `${operator}_${nodes.length}${parts > 1 ? `_${i}` : ""}`);
    nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  };
  const one = (...given: Parameters<typeof apply>) => apply(...given)[0];
  const ints = (...values: number[]) => one("Constant", [], { value_ints: { ints: values } });
  const reshape = (x: string, ...shape: number[]) => one("Reshape", [x, ints(...shape)]); // 0 keeps a dimension
  const transpose = (x: string, ...perm: number[]) => one("Transpose", [x], { perm: { ints: perm } });
  const weight = (name: string) => half ? one("Cast", [name], { to: { int: 1 } }) : name;
  const linear = (name: string, x: string) => {
    const product = one("MatMul", [x, transpose(weight(`${name}.weight`), 1, 0)]);
    return one("Add", [product, weight(`${name}.bias`)]);
  };
  const layerNorm = (name: string, x: string) =>
    one("LayerNormalization", [x, weight(`${name}.weight`), weight(`${name}.bias`)], {
      axis: { int: -1 },
      epsilon: { float: epsilon },
    });
  const scale = one("Constant", [], { value_float: { float: 1 / Math.sqrt(perHead) } });
  const attention = (name: string, x: string) => {
    const joined = reshape(linear(`${name}.qkv`, x), 0, tokens, 3, heads, perHead);
    const parts = apply("Split", [transpose(joined, 2, 0, 3, 1, 4)], { axis: { int: 0 }, num_outputs: { int: 3 } }, 3);
    const [q, k, v] = parts.map((part) => one("Squeeze", [part, ints(0)])); // [B, H, N, d]
    const scores = one("MatMul", [one("Mul", [q, scale]), transpose(k, 0, 1, 3, 2)]); // [B, H, N, N]
    const seen = one("MatMul", [one("Softmax", [scores], { axis: { int: -1 } }), v]);
    return linear(`${name}.proj`, reshape(transpose(seen, 0, 2, 1, 3), 0, tokens, width)); // [B, N, D]
  };
  const mlp = (name: string, x: string) => linear(`${name}.fc2`, one("Gelu", [linear(`${name}.fc1`, x)]));
  const residual = (x: string, branch: string) => one("Add", [x, branch]);

  const convolved = one("Conv", [
    ...["pixel_values", weight("patch_embed.proj.weight"), weight("patch_embed.proj.bias")],
  ], { kernel_shape: { ints: [patch, patch] }, strides: { ints: [patch, patch] } }); // [B, D, H/p, W/p]
  const patches = transpose(reshape(convolved, 0, width, tokens), 0, 2, 1); // [B, N, D]
  let x = one("Add", [patches, weight("pos_embed")]);
  for (let i = 0; i < depth; i++) {
    x = residual(x, attention(`blocks.${i}.attn`, layerNorm(`blocks.${i}.norm1`, x)));
    x = residual(x, mlp(`blocks.${i}.mlp`, layerNorm(`blocks.${i}.norm2`, x)));
  }
  const last = layerNorm("norm", x);
  nodes.push({ operator: "Identity", inputs: [last], outputs: ["last_hidden_state"], attributes: {} });
  return {
    ...{ name: `ijepa_encoder_${width}x${depth}_mlp${mlpRatio}`, nodes },
    inputs: [{ name: "pixel_values", shape: ["batch", channels, image, image] }],
    outputs: [{ name: "last_hidden_state", shape: ["batch", tokens, width] }],
  };
}
