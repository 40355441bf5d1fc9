import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { layerDecay, layerOf } from "../../../lib/evaluation/fine_tuning/layer_decay.ts";
import { architecture, encoderShapes } from "../../../lib/jepa/architectures.ts";

Deno.test("layerOf() puts the embedding at 0, blocks from 1 on, and norm and head behind them", () => {
  const size = architecture("B/16"); // 12 blocks
  const counts = new Map<number, number>();
  for (const name of [...Object.keys(encoderShapes(size)), "head.weight", "head.bias"]) {
    if (name !== "pos_embed") counts.set(layerOf(name, 12), (counts.get(layerOf(name, 12)) ?? 0) + 1);
  }
  assertEquals([...counts].sort(([a], [b]) => a - b), [[0, 2], ...Array.from({ length: 12 }, (_, i) => [i + 1, 12]), [
    13,
    4,
  ]]);
  assertEquals(layerOf("blocks.0.norm1.weight", 12), 1);
  assertEquals(layerOf("blocks.11.mlp.fc2.bias", 12), 12);
  assertEquals(layerOf("norm.weight", 12), 13);
});

Deno.test("layerDecay() is 1 for the head and falls by the decay from layer to layer", () => {
  const factor = layerDecay(0.75, 24); // ViT-L
  assertEquals(factor("head.weight"), 1);
  assertEquals(factor("norm.bias"), 1);
  assertAlmostEquals(factor("blocks.23.attn.qkv.weight"), 0.75, 1e-12);
  assertAlmostEquals(factor("blocks.1.attn.qkv.weight"), 0.75 ** 23, 1e-12);
  assertAlmostEquals(factor("patch_embed.proj.weight"), 7.525e-4, 1e-7); // 0.75^25
  assertEquals(layerDecay(1, 24)("patch_embed.proj.bias"), 1);
});

Deno.test("layerDecay() refuses decays outside (0, 1]", () => {
  for (const decay of [0, -0.5, 1.01, NaN]) assertThrows(() => layerDecay(decay, 2), RangeError, `got ${decay}`);
});
