/**
 * Functions in TensorFlow's memory that carry tensors between workers: packed into a few flat ones, reduced or sent by
 * TensorFlow's collective ops, and unpacked.
 *
 * @module
 */
import { type Attribute, AttrKind } from "../ops/attributes.ts";
import { cast } from "../autocast.ts";
import { DType, sizeOf } from "../ops/dtypes.ts";
import { addFunction, hasGpu } from "../ops/eager.ts";
import { Graph, type SymbolicValue } from "../ops/graph.ts";
import { library } from "../libraries/library.ts";

/** What is done with the tensors: all workers' added up, in float32 or (all but scalars) bfloat16, or worker 0's given to all. */
export type Collective = "sum" | "sum in bfloat16" | "broadcast";

/** Values in one reduction. On a CPU, 250 MB took 480 ms in pieces of this size, 616 in twice as large ones, 2 s whole. */
const PIECE = 8 * 2 ** 20;

/** The group of all workers' devices, by its number. */
const GROUP = 1;

let functions = 0, instances = 0;

/** Splits shapes into runs of at most PIECE values, or of one larger shape. */
function pieces<T extends { shape: number[] }>(values: readonly T[]): T[][] {
  const runs: T[][] = [];
  let room = 0;
  for (const value of values) {
    const size = sizeOf(value.shape);
    if (size <= room) runs.at(-1)!.push(value);
    else {
      runs.push([value]);
      room = PIECE;
    }
    room -= size;
  }
  return runs;
}

/**
 * Makes a function of float32 tensors of these shapes, which returns as many. All workers make the same functions in the
 * same order: TensorFlow matches what they send by the numbers that are counted here.
 *
 * Its bits do not change: TensorFlow sorts the group by task, and adds up in the order of that ring.
 *
 * @returns the function's name
 */
export function collectiveFunction(
  collective: Collective,
  shapes: readonly number[][],
  { rank, size }: { rank: number; size: number },
): string {
  const graph = new Graph({ precision: "float32", islands: false, recompute: false });
  const ints = (values: number[], shape = [values.length]) =>
    graph.constant(shape, DType.INT32, Int32Array.from(values));
  const int = (value: number) => ints([value], []);
  const number = (name: string, value: number): Attribute => ({ name, type: AttrKind.INT, value });
  const string = (name: string, value: string): Attribute => ({ name, type: AttrKind.STRING, value });
  const hint = string("communication_hint", hasGpu() ? "nccl" : "ring");

  const carry = (flat: SymbolicValue, after: Deno.PointerValue[]): SymbolicValue => {
    const group = [int(size), int(GROUP), int(++instances)];
    if (collective !== "broadcast") {
      const attributes = [string("merge_op", "Add"), string("final_op", "Id"), hint];
      return graph.operation("CollectiveReduceV2", attributes, [flat, ...group], 1, after)[0];
    }
    if (rank === 0) return graph.operation("CollectiveBcastSendV2", [hint], [flat, ...group], 1, after)[0];
    const type: Attribute = { name: "T", type: AttrKind.TYPE, value: flat.dtype };
    return graph.operation("CollectiveBcastRecvV2", [type, hint], [...group, ints(flat.shape)], 1, after)[0];
  };

  const inputs = shapes.map((shape) => graph.placeholder(shape, DType.FLOAT));
  const outputs: SymbolicValue[] = [];
  const isReduced = ({ shape }: SymbolicValue) => collective === "sum in bfloat16" && shape.length > 0;
  const runs = [inputs.filter(isReduced), inputs.filter((input) => !isReduced(input))].flatMap(pieces);
  // One piece after another: NCCL needs the same order everywhere, and memory holds one packed piece instead of all.
  let after: Deno.PointerValue[] = [];
  for (const run of runs) {
    const flat = run.map((value) => graph.operation("Reshape", [], [value, ints([-1])], 1)[0]);
    const joined = run.length === 1
      ? flat[0]
      : graph.operation("ConcatV2", [number("N", run.length)], [...flat, int(0)], 1, after)[0];
    const carried = carry(cast(graph, joined, isReduced(run[0]) ? DType.BFLOAT16 : DType.FLOAT), after);
    after = [carried.op];
    const result = cast(graph, carried, DType.FLOAT);
    const parts = run.length === 1 ? [result] : graph.operation(
      "SplitV",
      [number("num_split", run.length)],
      [result, ints(flat.map(({ shape }) => shape[0])), int(0)],
      run.length,
    );
    for (const [i, part] of parts.entries()) {
      const [whole] = graph.operation("Reshape", [], [part, ints(run[i].shape)], 1);
      outputs[inputs.indexOf(run[i])] = whole;
    }
  }
  const made = graph.toFunction(`${collective.replaceAll(" ", "_")}_${functions++}`, { inputs, outputs, xla: false });
  addFunction(made);
  library().TF_DeleteFunction(made.pointer);
  return made.name;
}
