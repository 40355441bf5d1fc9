import { assert, assertEquals, assertThrows } from "@std/assert";
import { preset } from "../../../lib/jepa/pretraining/presets.ts";
import { stepMasks, totalStepsOf } from "../../../lib/jepa/pretraining/pretraining_objective.ts";

const PUBLISHED = { ...preset("cifar10-published"), batch: 32 };

Deno.test("stepMasks() as published: the micro-batches of a step share the blocks' size, and have places and a cut of their own", () => {
  const masksOf = stepMasks({ ...PUBLISHED, microBatch: 8 });
  const targetLengths = new Set<number>();
  let cuts = 0;
  for (let step = 0; step < 20; step++) {
    const parts = [0, 1, 2, 3].map((part) => masksOf(step, part));
    assertEquals(parts.map(({ batch }) => batch), [8, 8, 8, 8]);
    assertEquals(new Set(parts.map(({ targetLength }) => targetLength)).size, 1);
    assert(parts.slice(1).every(({ targets }) => targets.some((patch, i) => patch !== parts[0].targets[i])));
    targetLengths.add(parts[0].targetLength);
    if (new Set(parts.map(({ contextLength }) => contextLength)).size > 1) cuts++;
  }
  assert(targetLengths.size > 1, "one size for all steps");
  assert(cuts > 5, `${cuts} of 20 steps have contexts of different lengths`);
});

Deno.test("stepMasks() of a whole batch are those of its first micro-batch's streams, whatever the cut", () => {
  const whole = stepMasks(PUBLISHED)(3), again = stepMasks({ ...PUBLISHED, microBatch: 32 })(3, 0);
  assertEquals(whole, again);
});

Deno.test("totalStepsOf() counts whole batches, and holds that micro-batches can be compared", () => {
  assertEquals(totalStepsOf({ ...PUBLISHED, epochs: 2.5 }, 100), 8); // 3 whole batches an epoch
  assertThrows(() => totalStepsOf({ ...PUBLISHED, microBatch: 5 }, 100), RangeError, "cut into micro-batches of 5");
  assertThrows(() => totalStepsOf({ ...PUBLISHED, microBatch: 1 }, 100), RangeError, "at least 2 images");
  const regulariser = { ...PUBLISHED.regulariser, invariance: 1 };
  assertThrows(
    () => totalStepsOf({ ...PUBLISHED, batch: 6, microBatch: 3, regulariser }, 100),
    RangeError,
    "even batch",
  );
});
