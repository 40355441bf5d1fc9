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

/** The kit's name of timm's. */
const nameOf = (theirs: string) => theirs[0].toLowerCase() + theirs.slice(1).replace(/Increasing|Rel/, "");

for (const { sha256, ...settings } of fixture.images) {
  const size = `${settings.width} x ${settings.height}`;
  Deno.test(`OPERATIONS give timm's bytes at every magnitude, ${size} with ${settings.levels} levels`, () => {
    const image = formulaImage(settings);
    const differing: string[] = [];
    for (const [key, expected] of Object.entries(sha256)) {
      const [name, sign] = key.split(" "), operation = OPERATIONS[nameOf(name)];
      const hash = createHash("sha256");
      for (let m = 0; m <= 40; m++) hash.update(operation(image, settings.width, m / 4, sign === "+" ? 1 : -1));
      if (hash.digest("hex") !== expected) differing.push(key);
    }
    assertEquals(differing, []);
    assertEquals(Object.keys(sha256).length, 15 + 9);
    assertEquals(image, formulaImage(settings), "the image that was given");
  });
}

Deno.test("RandAugment's defaults, and its operations in their order, are those of timm's rand-m9-mstd0.5-inc1", () => {
  const { names, ...recipe } = fixture.recipe;
  assertEquals(recipe, { operations: 2, probability: 0.5, magnitude: 9, deviation: 0.5 });
  assertEquals(Object.keys(OPERATIONS), names.map(nameOf));
});

const image = formulaImage(fixture.images[0]);
const hashOf = (pixels: Uint8Array) => createHash("sha256").update(pixels).digest("hex");

Deno.test("randAugment() follows its stream alone, and leaves the image that it is given", () => {
  const first = randAugment(image, 24, randomStream(1, 2, 3));
  assertEquals(randAugment(image, 24, randomStream(1, 2, 3)), first);
  assertEquals(image, formulaImage(fixture.images[0]));
  const others = Array.from({ length: 40 }, (_, i) => hashOf(randAugment(image, 24, randomStream(1, 2, i))));
  assert(new Set(others).size > 22, `${new Set(others).size} different results of 40`);
});

Deno.test("randAugment() draws every operation about equally often, does half of them, in both directions", () => {
  const counts = new Map<string, number>(), draws = 3000;
  for (let i = 0; i < draws; i++) {
    const hash = hashOf(randAugment(image, 24, randomStream(0, i), { operations: 1, deviation: 0 }));
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  const about = (count = 0, expected: number, name: string) =>
    assert(Math.abs(count - expected) < 4.5 * Math.sqrt(expected), `${name}: ${count}, not about ${expected}`);
  about(counts.get(hashOf(image)), draws / 2, "nothing");
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [plus, minus] = [1, -1].map((sign) => hashOf(operation(image, 24, 9, sign)));
    for (const hash of [plus, minus]) about(counts.get(hash), draws / (plus === minus ? 30 : 60), name);
  }
});

Deno.test("randAugment() draws magnitudes about 9, a deviation of 0.5 apart, of 10 at most", () => {
  // Black and some bright greys: solarizeAdd alone moves black and leaves these, and what it adds tells the magnitude.
  const greys = Uint8Array.from([0, 130, 150, 170, 190, 210, 230, 250].flatMap((grey) => [grey, grey, grey]));
  const added: number[] = [];
  for (let i = 0; i < 8000; i++) {
    const after = randAugment(greys, 8, randomStream(2, i), { operations: 1, probability: 1 });
    if (after[0] > 0 && after.subarray(3).every((value, j) => value === greys[3 + j])) added.push(after[0]);
  }
  const magnitudes = added.map((add) => (add + 0.5) / 11).filter((magnitude) => magnitude < 9.9);
  assert(added.length > 400, `${added.length}`);
  const mean = magnitudes.reduce((a, b) => a + b) / magnitudes.length;
  const deviation = Math.sqrt(magnitudes.reduce((sum, m) => sum + (m - mean) ** 2, 0) / magnitudes.length);
  // Of a normal distribution cut at 9.9: 8.957 and 0.452.
  assert(Math.abs(mean - 8.957) < 0.09, `mean ${mean}`);
  assert(Math.abs(deviation - 0.452) < 0.07, `deviation ${deviation}`);
  assertEquals(Math.max(...added), 110);
});

Deno.test("randAugment() without operations, of no probability, and at magnitude 0 of operations that grow, changes nothing", () => {
  assertEquals(randAugment(image, 24, randomStream(0), { operations: 0 }), image);
  assertEquals(randAugment(image, 24, randomStream(0), { probability: 0 }), image);
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (!/autoContrast|equalize|invert|posterize/.test(name)) assertEquals(operation(image, 24, 0, 1), image, name);
  }
  assertNotEquals(OPERATIONS.equalize(image, 24, 0, 1), image);
});

Deno.test("randAugment() refuses options that are not in their ranges", () => {
  for (
    const options of [
      ...[{ magnitude: 11 }, { magnitude: -1 }, { operations: -1 }, { operations: NaN }],
      ...[{ deviation: -1 }, { probability: 1.5 }],
    ]
  ) {
    assertThrows(() => randAugment(image, 24, randomStream(0), options), RangeError, "got");
  }
});
