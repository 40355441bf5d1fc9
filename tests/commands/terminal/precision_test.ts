import { assertEquals, assertMatch } from "@std/assert";
import { precisionNote } from "../../../lib/commands/terminal/precision.ts";

Deno.test("precisionNote() tells what decided, warns of a slow bfloat16, and is silent otherwise", () => {
  const fast = { float32: 134e9, bfloat16: 535e9 }, slow = { float32: 294e9, bfloat16: 161e9 };
  assertEquals(
    precisionNote("auto", "bfloat16", fast),
    "Matrix products in bfloat16: 535 GFLOP/s on this machine, float32 134.",
  );
  assertEquals(
    precisionNote("auto", "float32", slow),
    "Matrix products in float32: 294 GFLOP/s on this machine, bfloat16 161.",
  );
  assertMatch(
    precisionNote("bfloat16", "bfloat16", slow)!,
    /^Matrix products in bfloat16 are slow here \(161 .*--precision float32/,
  );
  assertEquals(precisionNote("bfloat16", "bfloat16", fast), undefined);
  assertEquals(precisionNote("float32", "float32", fast), undefined);
});
