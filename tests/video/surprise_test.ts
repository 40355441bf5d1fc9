import { assert, assertEquals } from "@std/assert";
import { violationPair, VIOLATIONS } from "../../lib/datasets/scenes/violations.ts";
import { pairwiseAccuracy } from "../../lib/video/surprise.ts";

Deno.test("pairs are alike until the violation, and differ after it in one solid, by what is broken", () => {
  let jumps = 0;
  for (const kind of VIOLATIONS) {
    for (let index = 0; index < 5; index++) {
      const pair = violationPair(kind, { seed: 0, split: 2, index }, { frames: 6, frame: 3 });
      if (!pair) continue;
      const { possible, impossible } = pair;
      assertEquals(impossible.slice(0, 3), possible.slice(0, 3));
      for (let t = 3; t < 6; t++) {
        const [a, b] = [possible[t].objects, impossible[t].objects];
        assertEquals(b.length - a.length, { vanish: -1, appear: 1, jump: 0 }[kind]);
        if (kind !== "jump") continue;
        const moved = a.map((o, i) => Math.hypot(o.x - b[i].x, o.y - b[i].y)).filter((far) => far > 1e-9);
        assertEquals(moved.length, 1);
        assert(moved[0] >= 2 - 1e-9);
        jumps++;
      }
    }
  }
  assert(jumps > 0);
});

Deno.test("pairwise accuracy counts pairs whose impossible clip surprises more, and ties by half", () => {
  assertEquals(pairwiseAccuracy([[1, 2], [2, 1], [1, 1], [0, 3]]), 62.5);
});
