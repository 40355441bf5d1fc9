import { assertEquals } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { transferRecipe } from "../../lib/evaluation/linear_measures.ts";
import { nameOf } from "../../lib/evaluation/protocol.ts";

Deno.test("transferRecipe() knows Places205 and iNat18 by their classes, and takes the others as CIFAR-100", () => {
  const epochsOf = (count: number) => {
    const classes = Array.from({ length: count }, (_, i) => `${i}`);
    const blank = { pixels: new Uint8Array(3), width: 1, height: 1, labels: Int32Array.of(0) };
    return transferRecipe(memoryDataset({ name: "", classes, ...blank })).epochs;
  };
  assertEquals([100, 205, 8142, 7].map(epochsOf), [28, 14, 84, 28]);
});

Deno.test("nameOf() says how many epochs where they are not the protocol's own", () => {
  assertEquals([{}, { epochs: 1 }, { epochs: 5 }].map(nameOf), ["accuracy", "1 epoch", "5 epochs"]);
});
