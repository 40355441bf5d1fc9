/**
 * Attributes of ops, set the same way on an op to be executed (TFE_Op) and on one to be added to a graph (TF_).
 *
 * @module
 */
import { describe } from "./dtypes.ts";
import { checked, cString, int64s, library } from "../libraries/library.ts";

/** The numbers by which tfjs's kernels name kinds of attributes. */
export const AttrKind = { STRING: 0, INT: 1, FLOAT: 2, BOOL: 3, TYPE: 4, SHAPE: 5, RESOURCE: 6 } as const;

/** An attribute as tfjs's kernels write it (TFEOpAttr). */
export interface Attribute {
  name: string;
  /** One of AttrKind. */
  type: number;
  value: unknown;
}

const encoder = new TextEncoder();

/** Sets one attribute on an op under construction. */
export function setAttribute(mode: "eager" | "graph", op: Deno.PointerValue, { name, type, value }: Attribute): void {
  const tensorflow = library();
  const key = cString(name);
  const eager = mode === "eager";
  if (value === null || value === undefined) return;
  switch (type) {
    case AttrKind.STRING: {
      const bytes = encoder.encode(value as string);
      const data = bytes.length ? bytes : new Uint8Array(1);
      const set = eager ? tensorflow.TFE_OpSetAttrString : tensorflow.TF_SetAttrString;
      return set(op, key, data, BigInt(bytes.length));
    }
    case AttrKind.INT: {
      if (typeof value === "object") {
        const list = value as ArrayLike<number>;
        const set = eager ? tensorflow.TFE_OpSetAttrIntList : tensorflow.TF_SetAttrIntList;
        return set(op, key, int64s(list), list.length);
      }
      return (eager ? tensorflow.TFE_OpSetAttrInt : tensorflow.TF_SetAttrInt)(op, key, BigInt(value as number));
    }
    case AttrKind.FLOAT: {
      if (typeof value === "object") {
        const list = Float32Array.from(value as ArrayLike<number>);
        const set = eager ? tensorflow.TFE_OpSetAttrFloatList : tensorflow.TF_SetAttrFloatList;
        return set(op, key, list, list.length);
      }
      return (eager ? tensorflow.TFE_OpSetAttrFloat : tensorflow.TF_SetAttrFloat)(op, key, value as number);
    }
    case AttrKind.BOOL:
      return (eager ? tensorflow.TFE_OpSetAttrBool : tensorflow.TF_SetAttrBool)(op, key, value ? 1 : 0);
    case AttrKind.TYPE: {
      if (typeof value === "object") {
        const list = Int32Array.from(value as ArrayLike<number>);
        const set = eager ? tensorflow.TFE_OpSetAttrTypeList : tensorflow.TF_SetAttrTypeList;
        return set(op, key, list, list.length);
      }
      return (eager ? tensorflow.TFE_OpSetAttrType : tensorflow.TF_SetAttrType)(op, key, value as number);
    }
    case AttrKind.SHAPE: {
      const shape = value as number[];
      if (!eager) return tensorflow.TF_SetAttrShape(op, key, int64s(shape), shape.length);
      return checked(
        () => `Attribute ${name}`,
        (tf, status) => tf.TFE_OpSetAttrShape(op, key, int64s(shape), shape.length, status),
      );
    }
  }
  throw new Error(`Attribute ${name} is of kind ${type}, which the binding does not know.`);
}

/** "MatMul(float32 [2, 3], float32 [4, 5])", for messages. */
export function describeCall(
  name: string,
  inputs: readonly { dtype: number; shape: readonly number[] }[],
): string {
  return `${name}(${inputs.map(({ dtype, shape }) => describe(dtype, shape)).join(", ")})`;
}
