/** @module Tests of lib/jepa/flops.ts. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { architecture, parameterCount } from "../../lib/jepa/architectures.ts";
import { encoderFlops, predictorFlops, stepFlops, totalFlops } from "../../lib/jepa/flops.ts";

const giga = (flops: number) => flops / 1e9;

Deno.test("encoderFlops() of ViT-B/16 at 224 are 17.5 G multiplications and additions", () => {
  // By hand: 12 blocks x 196 tokens x 12 x 768^2, attention 12 x 2 x 196^2 x 768, patches 196 x 768^2.
  const byHand = 12 * 196 * 12 * 768 ** 2 + 12 * 2 * 196 ** 2 * 768 + 196 * 768 ** 2;
  assertEquals(encoderFlops(architecture("B/16"), 196), 2 * byHand);
  assertAlmostEquals(giga(byHand), 17.5, 0.05);
});

Deno.test("stepFlops() of ViT-S/16 are those counted beside its timings", () => {
  const size = { ...architecture("S/16"), predictor: { width: 384, depth: 6, heads: 6 } };
  const flops = stepFlops(size, { contextLength: 64, targetLength: 32, blocks: 4 });
  assertAlmostEquals(giga(flops.target), 9.1, 0.1);
  assertAlmostEquals(giga(flops.context), 8.4, 0.1);
  // 25.6 if the last block computed the context's tokens too: queries, projection and MLP of 64 of the 96.
  const unread = 3 * 4 * 2 * 64 * (10 * 384 ** 2 + 2 * 96 * 384);
  assertAlmostEquals(giga(flops.predictor + unread), 25.6, 0.1);
  assertEquals(flops.recomputed, 0);
});

Deno.test("recomputation adds the blocks' forward pass, and nothing else", () => {
  const size = architecture("L/16"), lengths = { contextLength: 50, targetLength: 36, blocks: 4 };
  const kept = stepFlops(size, lengths), again = stepFlops(size, lengths, { recompute: true });
  const embedding = 2 * 50 * 3 * 16 ** 2 * 1024;
  assertEquals(again.recomputed, encoderFlops(size, 50) - embedding + predictorFlops(size, lengths));
  assertEquals(totalFlops(again) - totalFlops(kept), again.recomputed);
});

Deno.test("one more target block costs the predictor alone", () => {
  const size = architecture("Ti/16"), of = (blocks: number) => stepFlops(size, { ...lengths, blocks });
  const lengths = { contextLength: 50, targetLength: 36 };
  assertEquals(of(4).context, of(1).context);
  assertAlmostEquals((of(4).predictor - of(3).predictor) / (of(2).predictor - of(1).predictor), 1, 1e-12);
});

Deno.test("other targets change the predictor's last projection, or add the target blocks to the target encoder", () => {
  const size = architecture("L/16"), lengths = { contextLength: 50, targetLength: 36, blocks: 4 };
  const usual = stepFlops(size, lengths), pixels = stepFlops(size, lengths, { targets: "pixels" });
  assertEquals(usual.predictor - pixels.predictor, 3 * 4 * 2 * 36 * 384 * (1024 - 3 * 16 ** 2));
  const masked = stepFlops(size, lengths, { targets: "maskedInput" });
  // By hand: 24 blocks of 36 tokens x 12 x 1024^2 and attention 2 x 36^2 x 1024, and the patches' 768 x 1024.
  const byHand = 24 * (36 * 12 * 1024 ** 2 + 2 * 36 ** 2 * 1024) + 36 * 768 * 1024;
  assertEquals(masked.target - usual.target, 4 * 2 * byHand);
  assertEquals(parameterCount(size).predictor - parameterCount(size, "pixels").predictor, 385 * (1024 - 768));
});

Deno.test("a context that the target blocks share halves the predictor's work", () => {
  const own = { ...architecture("S/16"), predictor: { width: 384, depth: 6, heads: 6 } };
  const shared = { ...own, predictor: { ...own.predictor, sharedContext: true } };
  const lengths = { contextLength: 64, targetLength: 32, blocks: 4 };
  // By hand, multiplications and additions: five blocks of 64 + 128 tokens, and the keys, values and queries of a sixth.
  const seen = 64 ** 2 + 128 * 96, block = 192 * 12 * 384 ** 2 + 2 * seen * 384;
  const last = 192 * 2 * 384 ** 2 + 128 * 10 * 384 ** 2 + 2 * 128 * 96 * 384;
  assertEquals(predictorFlops(shared, lengths), 2 * (5 * block + last + (64 + 128) * 384 ** 2));
  assertAlmostEquals(predictorFlops(shared, lengths) / predictorFlops(own, lengths), 0.527, 0.001);
});
