import "./loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { liveHandles } from "../../lib/tensorflow/ops/eager.ts";
import { decidePrecision, fasterOf, productRates } from "../../lib/tensorflow/product_rates.ts";

Deno.test("fasterOf() takes bfloat16 where it is a tenth faster, else float32", () => {
  assertEquals(fasterOf({ float32: 134, bfloat16: 535 }), "bfloat16");
  assertEquals(fasterOf({ float32: 294, bfloat16: 161 }), "float32");
  assertEquals(fasterOf({ float32: 100, bfloat16: 109 }), "float32");
});

Deno.test("productRates() measures once, and leaves no tensors behind", async () => {
  const before = liveHandles();
  const rates = await productRates(64);
  assertEquals(liveHandles(), before);
  // Between a slow emulation and ten of the fastest GPUs there are.
  for (const rate of Object.values(rates)) assert(rate > 1e8 && rate < 1e16, `${rate} FLOP/s`);
  assert(await productRates(64) === rates, "it was measured again");
});

Deno.test("decidePrecision() keeps what is said, and decides what is left open by the rates", async () => {
  assertEquals(await decidePrecision("bfloat16", 64), "bfloat16");
  assertEquals(await decidePrecision("float32", 64), "float32");
  assertEquals(await decidePrecision("auto", 64), fasterOf(await productRates(64)));
});
