import { assertEquals } from "@std/assert";
import wabt from "wabt";
import { ASSEMBLED } from "../../../../lib/datasets/pixels/resampling/passes.ts";

Deno.test("passes.ts holds what passes.wat says", async () => {
  const source = new URL("../../../../lib/datasets/pixels/resampling/passes.wat", import.meta.url);
  const parsed = (await wabt()).parseWat("passes.wat", await Deno.readTextFile(source), { simd: true });
  assertEquals(ASSEMBLED, btoa(String.fromCharCode(...parsed.toBinary({}).buffer)));
});
