import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { centredBox, randomResizedCrop } from "../../../lib/datasets/pixels/crop.ts";
import type { CropRange } from "../../../lib/datasets/dataset.ts";
import { randomStream } from "../../../lib/random.ts";

const PAPER: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };

const side = fc.integer({ min: 1, max: 700 });
const range = fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true }))
  .chain(([a, b]) =>
    fc.tuple(fc.double({ min: 0.2, max: 5, noNaN: true }), fc.double({ min: 0.2, max: 5, noNaN: true })).map((
      [c, d],
    ): CropRange => ({ scale: [Math.min(a, b), Math.max(a, b)], aspect: [Math.min(c, d), Math.max(c, d)] }))
  );

Deno.test("randomResizedCrop() stays inside any image, for any range", () => {
  fc.assert(fc.property(side, side, range, fc.nat(), (width, height, range, seed) => {
    const box = randomResizedCrop(width, height, range, randomStream(seed));
    assert(Object.values(box).every(Number.isInteger), JSON.stringify(box));
    assert(box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1);
    assert(box.x + box.width <= width && box.y + box.height <= height);
  }));
});

Deno.test("randomResizedCrop() keeps area and aspect inside their ranges, up to the rounding to whole pixels", () => {
  fc.assert(fc.property(fc.integer({ min: 64, max: 700 }), fc.nat(), (size, seed) => {
    const { width, height } = randomResizedCrop(size, size, PAPER, randomStream(seed));
    assert((width + 0.5) / (height - 0.5) >= PAPER.aspect[0] && (width - 0.5) / (height + 0.5) <= PAPER.aspect[1]);
    assert((width + 0.5) * (height + 0.5) >= PAPER.scale[0] * size * size);
  }));
});

Deno.test("randomResizedCrop() covers its ranges and every corner", () => {
  const boxes = Array.from({ length: 4000 }, (_, i) => randomResizedCrop(32, 32, PAPER, randomStream(0, i)));
  const areas = boxes.map(({ width, height }) => width * height / 1024);
  const ratios = boxes.map(({ width, height }) => width / height);
  assert(Math.min(...areas) < 0.33 && Math.max(...areas) > 0.97);
  assert(Math.min(...ratios) < 0.78 && Math.max(...ratios) > 1.28);
  const mean = ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / boxes.length;
  assert(Math.abs(mean) < 0.015, `wide and tall crops should balance; the mean log aspect is ${mean}`);
  assert(boxes.some(({ x, y }) => x === 0 && y === 0));
  assert(boxes.some(({ x, y, width, height }) => x + width === 32 && y + height === 32));
});

Deno.test("randomResizedCrop() falls back to the largest centred box that the aspect allows", () => {
  const whole: CropRange = { scale: [1, 1], aspect: [3 / 4, 4 / 3] };
  assertEquals(randomResizedCrop(400, 90, whole, randomStream(0)), { x: 140, y: 0, width: 120, height: 90 });
  assertEquals(randomResizedCrop(90, 400, whole, randomStream(0)), { x: 0, y: 140, width: 90, height: 120 });
});

Deno.test("randomResizedCrop() depends on its stream alone", () => {
  const draw = (...key: number[]) => randomResizedCrop(500, 375, PAPER, randomStream(7, ...key));
  assertEquals(draw(3, 11), draw(3, 11));
  assert(JSON.stringify(draw(3, 11)) !== JSON.stringify(draw(4, 11)));
});

Deno.test("randomResizedCrop() names a range that makes no sense", () => {
  const draw = (range: CropRange) => randomResizedCrop(32, 32, range, randomStream(0));
  assertThrows(
    () => draw({ scale: [0, 1], aspect: [1, 1] }),
    RangeError,
    "scale must be a range inside (0, 1]; got [0,1]",
  );
  assertThrows(() => draw({ scale: [0.5, 1.2], aspect: [1, 1] }), RangeError, "[0.5,1.2]");
  assertThrows(() => draw({ scale: [0.5, 1], aspect: [2, 1] }), RangeError, "aspect");
  assertThrows(() => draw({ scale: [NaN, 1], aspect: [1, 1] }), RangeError, "scale");
});

Deno.test("centredBox() is in the middle, before it where it cannot be", () => {
  assertEquals(centredBox(11, 4, 4, 4), { x: 3, y: 0, width: 4, height: 4 });
  assertEquals(centredBox(5, 9, 3, 2), { x: 1, y: 3, width: 3, height: 2 });
});
