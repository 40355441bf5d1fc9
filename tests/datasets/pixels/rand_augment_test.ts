import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { OPERATIONS, randAugment } from "../../../lib/datasets/pixels/rand_augment.ts";
import { randomStream } from "../../../lib/random.ts";
import fixture from "../fixtures/rand_augment.json" with { type: "json" };

/** The images of fixtures/rand_augment.py. */
function formulaImage({ width, height, low, levels }: Omit<(typeof fixture.images)[0], "sha256">): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const c = i % 3, x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    return low + (c === 2 ? 9 : (x * 37 + y * 91 + c * 53 + x * y * 7 + x * x * c) % levels);
  });
}

for (const { sha256, ...settings } of fixture.images) {
  const size = `${settings.width} x ${settings.height}`;
  Deno.test(`OPERATIONS give torchvision's bytes at every magnitude, ${size} with ${settings.levels} levels`, () => {
    const image = formulaImage(settings);
    const differing: string[] = [];
    for (const [key, expected] of Object.entries(sha256)) {
      const [name, sign] = key.split(" ");
      const operation = OPERATIONS[name[0].toLowerCase() + name.slice(1)];
      const hash = createHash("sha256");
      for (let m = 0; m <= 30; m++) hash.update(operation(image, settings.width, sign === "+" ? m : -m));
      if (hash.digest("hex") !== expected) differing.push(key);
    }
    assertEquals(differing, []);
    assertEquals(Object.keys(sha256).length, 14 + 9);
    assertEquals(image, formulaImage(settings), "the image that was given");
  });
}

Deno.test("OPERATIONS leave an image of one colour as it is, or one colour", () => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (/shear|translate|rotate/.test(name)) continue;
    for (const pixels of [1, 9, 36].map((count) => new Uint8Array(count * 3).fill(100))) {
      const after = operation(pixels, Math.sqrt(pixels.length / 3), 9);
      assert(after.every((value) => value === after[0]), `${name} of ${pixels.length / 3} pixels`);
      if (/autoContrast|equalize|sharpness|contrast|color|identity/.test(name)) assertEquals(after[0], 100, name);
    }
  }
});

const image = formulaImage(fixture.images[0]);
const hashOf = (pixels: Uint8Array) => createHash("sha256").update(pixels).digest("hex");

Deno.test("randAugment() follows its stream alone, and leaves the image that it is given", () => {
  const first = randAugment(image, 24, randomStream(1, 2, 3));
  assertEquals(randAugment(image, 24, randomStream(1, 2, 3)), first);
  assertEquals(image, formulaImage(fixture.images[0]));
  const others = Array.from({ length: 40 }, (_, i) => hashOf(randAugment(image, 24, randomStream(1, 2, i))));
  assert(new Set(others).size > 30, `${new Set(others).size} different results of 40`);
});

Deno.test("randAugment() draws every operation about equally often, in both directions", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2300; i++) {
    const hash = hashOf(randAugment(image, 24, randomStream(0, i), { operations: 1 }));
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [plus, minus] = [9, -9].map((magnitude) => hashOf(operation(image, 24, magnitude)));
    const expected = plus === minus ? 2300 / 14 : 2300 / 28; // deviations: 12 and 9
    for (const hash of [plus, minus]) {
      const count = counts.get(hash) ?? 0;
      assert(Math.abs(count - expected) < 4.5 * Math.sqrt(expected), `${name}: ${count}, not about ${expected}`);
    }
  }
});

Deno.test("randAugment() without operations, and at magnitude 0 of operations that have one, changes nothing", () => {
  assertEquals(randAugment(image, 24, randomStream(0), { operations: 0 }), image);
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (!/autoContrast|equalize/.test(name)) assertEquals(operation(image, 24, 0), image, name);
  }
  assertNotEquals(OPERATIONS.equalize(image, 24, 0), image);
});

Deno.test("randAugment() refuses options that are no whole numbers in their ranges", () => {
  for (
    const options of [{ magnitude: 31 }, { magnitude: -1 }, { magnitude: 4.5 }, { operations: -1 }, { operations: NaN }]
  ) {
    assertThrows(() => randAugment(image, 24, randomStream(0), options), RangeError, "got");
  }
});
