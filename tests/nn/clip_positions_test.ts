import { assertAlmostEquals, assertEquals } from "@std/assert";
import { clipPositions } from "../../lib/nn/positions.ts";
import cases from "../video/fixtures/clip_positions.json" with { type: "json" };

Deno.test("positions of clips are those of an independent transcript of the authors' code", () => {
  for (const { width, times, side, positions } of cases) {
    const own = clipPositions(width, times, side);
    assertEquals(own.length, positions.length);
    positions.forEach((value, i) => assertAlmostEquals(own[i], value, 1e-6));
  }
});
