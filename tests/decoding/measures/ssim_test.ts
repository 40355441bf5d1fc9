import { assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { ssim } from "../../../lib/decoding/measures/ssim.ts";
import references from "./fixtures/ssim.json" with { type: "json" };

/** As fixtures/ssim.py makes it. */
function picture(size: number, step: number, scale: number): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => Math.floor(128 + scale * Math.sin(step * i)));
}

Deno.test("ssim() agrees with scikit-image", () => {
  for (const { size, a, b, ssim: expected } of references) {
    const [one, other] = [a, b].map(([step, scale]) => picture(size, step, scale));
    assertAlmostEquals(ssim(one, other, size), expected, 1e-9);
    assertAlmostEquals(ssim(other, one, size), expected, 1e-9);
  }
});

Deno.test("ssim() is 1 of the same, near 0 of the unrelated, and averages over images", () => {
  const one = picture(16, 0.37, 90), other = picture(16, 0.61, 90);
  assertAlmostEquals(ssim(one, one, 16), 1, 1e-12);
  const apart = ssim(one, other, 16);
  assertLess(Math.abs(apart), 0.3);
  assertAlmostEquals(ssim(Uint8Array.of(...one, ...one), Uint8Array.of(...one, ...other), 16), (1 + apart) / 2, 1e-12);
  assertEquals(ssim(new Uint8Array(363), new Uint8Array(363), 11), 1);
});

Deno.test("ssim() refuses what it cannot compare", () => {
  assertThrows(() => ssim(new Uint8Array(768), new Uint8Array(1536), 16), RangeError, "not as many images of 16");
  assertThrows(() => ssim(new Uint8Array(0), new Uint8Array(0), 16), RangeError, "not as many images");
  assertThrows(() => ssim(new Uint8Array(192), new Uint8Array(192), 8), RangeError, "needs images of 11 pixels; got 8");
});
