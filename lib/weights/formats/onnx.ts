/**
 * Writes ONNX's files: a network as a graph of operators, in Protocol Buffers, with its tensors inside or, where they are
 * many, in a file beside it.
 *
 * @module
 */
import protobuf from "npm:protobufjs@8.8.1";
import { basename } from "node:path";
import { writeWhole } from "./whole_file.ts";
import { elementsOf, type LentTensor } from "./tensors.ts";

/** An operator applied: ONNX's name of it, the names of what goes in and out, and its attributes. */
export interface OnnxNode {
  operator: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, OnnxAttribute>;
}

/** An attribute's value: a whole number, several, or a number that is not whole. */
export type OnnxAttribute = { int: number } | { ints: number[] } | { float: number };

/** What goes into a graph or comes out of it, float32; a dimension that has a name may have any size. */
export interface OnnxValue {
  name: string;
  shape: (number | string)[];
}

/** A network: operators in an order in which each finds its inputs there, among inputs, tensors or outputs before it. */
export interface OnnxGraph {
  name: string;
  nodes: OnnxNode[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** The version of ONNX's operators: the first that has GELU. */
const OPERATORS = 20;
/** The version of the format that came with it. */
const FORMAT = 9;

/** Numbers by which ONNX calls element types. */
const TYPES = { F32: 1, F16: 10 } as const;

/** The part of onnx.proto that is written; numbers alone matter. */
const SCHEMA = `syntax = "proto2";
message Entry { optional string key = 1; optional string value = 2; }
message Attribute {
  optional string name = 1; optional float f = 2; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20;
}
message Node {
  repeated string input = 1; repeated string output = 2; optional string name = 3; optional string opType = 4;
  repeated Attribute attribute = 5;
}
message Tensor {
  repeated int64 dims = 1; optional int32 dataType = 2; optional string name = 8; optional bytes rawData = 9;
  repeated Entry externalData = 13; optional int32 dataLocation = 14;
}
message Dimension { optional int64 dimValue = 1; optional string dimParam = 2; }
message Shape { repeated Dimension dim = 1; }
message TensorType { optional int32 elemType = 1; optional Shape shape = 2; }
message Type { optional TensorType tensorType = 1; }
message Value { optional string name = 1; optional Type type = 2; }
message Graph {
  repeated Node node = 1; optional string name = 2; repeated Tensor initializer = 5; repeated Value input = 11;
  repeated Value output = 12;
}
message Operators { optional string domain = 1; optional int64 version = 2; }
message Model {
  optional int64 irVersion = 1; optional string producerName = 2; optional Graph graph = 7; repeated Operators opsetImport = 8;
}`;

const attributeOf = (name: string, value: OnnxAttribute) =>
  "float" in value
    ? { name, type: 1, f: value.float }
    : "int" in value
    ? { name, type: 2, i: value.int }
    : { name, type: 7, ints: value.ints };

const valueOf = ({ name, shape }: OnnxValue) => ({
  name,
  type: {
    tensorType: {
      elemType: TYPES.F32,
      shape: { dim: shape.map((size) => typeof size === "string" ? { dimParam: size } : { dimValue: size }) },
    },
  },
});

function encodeModel({ name, nodes, inputs, outputs }: OnnxGraph, initializer: object[]): Uint8Array<ArrayBuffer> {
  const Model = protobuf.parse(SCHEMA).root.lookupType("Model");
  const node = nodes.map(({ operator, inputs, outputs, attributes }) => ({
    ...{ opType: operator, name: outputs[0], input: inputs, output: outputs },
    attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  }));
  const graph = { name, node, initializer, input: inputs.map(valueOf), output: outputs.map(valueOf) };
  const opsetImport = [{ domain: "", version: OPERATORS }];
  const message = { irVersion: FORMAT, producerName: "ijepa", graph, opsetImport };
  return new Uint8Array(Model.encode(message).finish());
}

/**
 * Writes a network as `path`, and where its tensors are many, these as `path_data`, from where onnxruntime reads them.
 *
 * @param tensors what the graph's operators find by name beside its inputs: F32 or F16
 * @param most bytes of tensors that the first file holds: no message of Protocol Buffers has 2 GiB
 * @returns whether there is a second file
 * @throws Error that names the file that cannot be written
 */
export async function writeOnnx(
  path: string,
  graph: OnnxGraph,
  tensors: Record<string, LentTensor>,
  onProgress?: (done: number, total: number) => void,
  most = 1e9,
): Promise<boolean> {
  const sizeOf = ({ dtype, shape }: LentTensor) => elementsOf(shape) * (dtype === "F16" ? 2 : 4);
  const total = Object.values(tensors).reduce((sum, tensor) => sum + sizeOf(tensor), 0), beside = `${path}_data`;
  const described = Object.entries(tensors).map(([name, { dtype, shape }]) => {
    if (dtype !== "F32" && dtype !== "F16") throw new TypeError(`ONNX's file is written of F32 or F16, not ${dtype}.`);
    return { name, dataType: TYPES[dtype], dims: [...shape] };
  });
  if (total <= most) {
    const initializer: object[] = [];
    for (const description of described) {
      await tensors[description.name].lend((bytes) => {
        initializer.push({ ...description, rawData: bytes.slice() });
        return Promise.resolve();
      });
    }
    const bytes = encodeModel(graph, initializer);
    await writeWhole(path, bytes.length, (file) => file.write(0, bytes), onProgress);
    return false;
  }
  let at = 0;
  const initializer = described.map((description) => {
    const length = sizeOf(tensors[description.name]), offset = at;
    at += length;
    const place = { location: basename(beside), offset: `${offset}`, length: `${length}` };
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    return { ...description, externalData, dataLocation: 1 };
  });
  await writeWhole(beside, total, async (file) => {
    let offset = 0;
    for (const tensor of Object.values(tensors)) {
      const place = offset;
      await tensor.lend((bytes) => file.write(place, bytes));
      offset += sizeOf(tensor);
    }
  }, onProgress);
  const bytes = encodeModel(graph, initializer);
  await writeWhole(path, bytes.length, (file) => file.write(0, bytes));
  return true;
}
