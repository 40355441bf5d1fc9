import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasBfloat16, multipliesBfloat16, precisionAdvice } from "../../../lib/commands/terminal/bfloat16.ts";

Deno.test("multipliesBfloat16() knows the flags of x86-64 and of ARM", () => {
  assertEquals(multipliesBfloat16("avx512_vnni avx512_bf16 avx512vbmi"), true);
  assertEquals(multipliesBfloat16("amx_bf16 amx_tile"), true);
  assertEquals(multipliesBfloat16("asimd i8mm bf16"), true);
  assertEquals(multipliesBfloat16("avx512f avx512_vnni"), false);
});

Deno.test("hasBfloat16() sees this machine's flags under the tasks' permissions", async () => {
  if (Deno.build.os !== "linux") return;
  // What Deno keeps from a program that is not permitted everything, another program may read.
  const { stdout } = await new Deno.Command("cat", { args: ["/proc/cpuinfo"] }).output();
  if (multipliesBfloat16(new TextDecoder().decode(stdout))) assert(hasBfloat16());
});

Deno.test("precisionAdvice() speaks where bfloat16 would be emulated, and only there", () => {
  assertMatch(precisionAdvice("bfloat16", () => false)!, /--precision float32 is several times faster/);
  assertEquals(precisionAdvice("bfloat16", () => true), undefined);
  assertEquals(precisionAdvice("float32", () => false), undefined);
});
