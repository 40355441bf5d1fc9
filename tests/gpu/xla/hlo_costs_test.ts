import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { kernelsOf, secondsOf } from "./hlo_costs.ts";

const MODULE =
  `HloModule step, is_scheduled=true, entry_computation_layout={(f32[8,4]{1,0}, bf16[4,16]{1,0})->f32[8,16]{1,0}}

%scaled (a: f32[8,4]) -> (bf16[8,4], f32[8]) {
  %a = f32[8,4]{1,0} parameter(0)
  %half = bf16[8,4]{1,0} convert(%a)
  %sum = f32[8]{0} reduce(%a, %zero), dimensions={1}, to_apply=%add
  ROOT %both = (bf16[8,4]{1,0}, f32[8]{0}) tuple(%half, %sum)
}

%inner (p: bf16[8,4], q: bf16[4,16]) -> f32[8,16] {
  %p = bf16[8,4]{1,0} parameter(0)
  %q = bf16[4,16]{1,0} parameter(1)
  ROOT %dot.1 = f32[8,16]{1,0} dot(%p, %q), lhs_contracting_dims={1}, rhs_contracting_dims={0}, metadata={op_name="a(b)"}
}

%outer (p: bf16[8,4], q: bf16[4,16]) -> f32[8,16] {
  %p.2 = bf16[8,4]{1,0} parameter(0)
  %q.2 = bf16[4,16]{1,0} parameter(1)
  ROOT %block = f32[8,16]{1,0} fusion(%p.2, %q.2), kind=kCustom, calls=%inner
}

%rows (table: f32[1000,16], i: s32[3]) -> f32[3,16] {
  %table = f32[1000,16]{1,0} parameter(0)
  %i = s32[3]{0} parameter(1)
  ROOT %taken = f32[3,16]{1,0} gather(%table, %i), offset_dims={1}, slice_sizes={1,16}
}

ENTRY %main (x: f32[8,4], w: bf16[4,16], t: f32[1000,16], i: s32[3]) -> f32[8,16] {
  %x = f32[8,4]{1,0} parameter(0)
  %w = bf16[4,16]{1,0} parameter(1)
  %t = f32[1000,16]{1,0} parameter(2)
  %i.1 = s32[3]{0} parameter(3)
  %fusion.7 = (bf16[8,4]{1,0}, /*index=1*/f32[8]{0}) fusion(%x), kind=kLoop, calls=%scaled
  %half.1 = bf16[8,4]{1,0} get-tuple-element(%fusion.7), index=0
  %gemm_fusion = f32[8,16]{1,0} fusion(%half.1, %w), kind=kCustom, calls=%outer
  %gather_fusion = f32[3,16]{1,0} fusion(%t, %i.1), kind=kLoop, calls=%rows
  %gemm.3 = (f32[8,16]{1,0}, s8[4096]{0}) custom-call(%half.1, %w), custom_call_target="__cublas$gemm", backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"],"rhs_contracting_dimensions":["0"]}}}
  ROOT %again = f32[8,16]{1,0} add(%gemm_fusion, %gemm_fusion)
}
`;

Deno.test("kernelsOf() counts each kernel's products and bytes, by hand", () => {
  assertEquals(kernelsOf(MODULE).map(({ kind, name, flops, bytes }) => ({ kind, name, flops, bytes })), [
    { kind: "fusion kLoop", name: "fusion", flops: 0, bytes: 128 + 64 + 32 },
    { kind: "fusion kCustom product", name: "gemm_fusion", flops: 2 * 8 * 16 * 4, bytes: 64 + 128 + 512 },
    { kind: "fusion kLoop", name: "gather_fusion", flops: 0, bytes: 2 * 192 + 192 }, // not the table's 64,000
    { kind: "__cublas$gemm product", name: "gemm", flops: 2 * 8 * 16 * 4, bytes: 64 + 128 + 512 }, // no workspace
    { kind: "add", name: "again", flops: 0, bytes: 512 + 512 }, // read once
  ]);
});

Deno.test("secondsOf() is what takes longer, products or memory, and the start", () => {
  const device = { products: 1e6, memory: 1e3, launch: 1 };
  assertAlmostEquals(secondsOf({ flops: 4e6, bytes: 2e3 }, device), 5);
  assertAlmostEquals(secondsOf({ flops: 1e6, bytes: 2e3 }, device), 3);
});

Deno.test("kernelsOf() refuses what is no module, and types whose size it does not know", () => {
  assertThrows(() => kernelsOf("nothing"), Error, "no HLO module");
  assertThrows(() => kernelsOf(MODULE.replaceAll("f32[8]", "c128[8]")), Error, "c128");
});
