/**
 * Mixed precision, decided while a function is traced. With "bfloat16", matrix products take and give bfloat16, data
 * movement keeps what it is given, and everything else (sums, norms, softmax, loss, optimiser) is computed in float32.
 * Parameters stay float32: what a product reads is a rounded copy.
 *
 * @module
 */
import { AttrKind } from "./ops/attributes.ts";
import { DType } from "./ops/dtypes.ts";
import type { Graph, SymbolicValue } from "./ops/graph.ts";
import { opDef } from "./ops/op_defs.ts";

/** What matrix products compute in. */
export type Precision = "float32" | "bfloat16";

/** The same, or "auto": whichever this machine multiplies faster in, decided by decidePrecision() where the work begins. */
export type PrecisionChoice = Precision | "auto";

const PRODUCTS = new Set(["MatMul", "BatchMatMulV2", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"]);
const MOVEMENTS = new Set([
  ...["Reshape", "Transpose", "Slice", "StridedSlice", "Pad", "PadV2", "ConcatV2", "Pack", "Unpack", "SplitV"],
  ...["Tile", "GatherV2", "GatherNd", "ExpandDims", "Squeeze", "Identity", "BroadcastTo", "Reverse", "Cast"],
]);

/** A value in another type. */
export function cast(graph: Graph, value: SymbolicValue, dtype: number): SymbolicValue {
  if (value.dtype === dtype) return value;
  return graph.operation("Cast", [{ name: "DstT", type: AttrKind.TYPE, value: dtype }], [value], 1)[0];
}

/** An op's inputs in the types that it is to compute in. */
export function autocast(graph: Graph, type: string, inputs: readonly SymbolicValue[]): SymbolicValue[] {
  if (PRODUCTS.has(type)) {
    if (graph.precision === "float32") return [...inputs];
    return inputs.map((value) => value.dtype === DType.FLOAT ? cast(graph, value, DType.BFLOAT16) : value);
  }
  const isReduced = (value: SymbolicValue) => value.dtype === DType.BFLOAT16;
  if (!inputs.some(isReduced)) return [...inputs];
  if (MOVEMENTS.has(type)) {
    const args = opDef(type).inputs;
    if (args.some((arg) => arg.listAttr)) {
      // Data that is joined must agree in type.
      const floats = inputs.filter((value) => isReduced(value) || value.dtype === DType.FLOAT);
      if (floats.every(isReduced)) return [...inputs];
    } else {
      // So must what accompanies the data, such as the number that a padding is filled with.
      const accompanies = (i: number) => args[i].typeAttr !== undefined && args[i].typeAttr === args[0].typeAttr;
      return inputs.map((value, i) => accompanies(i) ? cast(graph, value, inputs[0].dtype) : value);
    }
  }
  return inputs.map((value) => isReduced(value) ? cast(graph, value, DType.FLOAT) : value);
}
