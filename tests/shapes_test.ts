import { assertEquals, assertThrows } from "@std/assert";
import { checkShape, count, flag, number, oneOf, optional, range, record, type Shape } from "../lib/shapes.ts";

/** The sentence about a value, or undefined where it is right. */
function sentence(own: Shape, value: unknown): string | undefined {
  try {
    own.check(value, "x");
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("number() holds bounds, and says them", () => {
  const momentum = number({ least: 0, most: 1 }), inside = number({ above: 0, below: 1 });
  for (const right of [0, 0.5, 1]) assertEquals(sentence(momentum, right), undefined);
  for (const wrong of [-1e-9, 1 + 1e-9, NaN, Infinity, "1", null, [1], true]) {
    assertThrows(() => momentum.check(wrong, "x"), RangeError, "x must be a number of at least 0 and at most 1; got ");
  }
  assertEquals([0, 1, 0.5].map((value) => sentence(inside, value)), [
    "x must be a number above 0 and below 1; got 0.",
    "x must be a number above 0 and below 1; got 1.",
    undefined,
  ]);
  assertEquals([1.5, 0, 2 ** 53, 3].map((value) => sentence(count, value)?.slice(0, 37)), [
    ...[
      "x must be a whole number of at least ",
      "x must be a whole number of at least ",
      "x must be a whole number of at least ",
    ],
    undefined,
  ]);
  const clip = number({ above: 0, infinite: true });
  assertEquals([Infinity, 3].map((value) => sentence(clip, value)), [undefined, undefined]);
  assertEquals(sentence(clip, -Infinity), "x must be a number above 0, or Infinity for none; got -Infinity.");
});

Deno.test("range(), oneOf() and flag say what they take", () => {
  const scale = range(1);
  assertEquals([[0.3, 1], [1, 1]].map((value) => sentence(scale, value)), [undefined, undefined]);
  for (const wrong of [[0, 1], [0.5, 0.3], [0.5, 1.1], [0.5], [0.1, 0.2, 0.3], ["0.1", 1], 0.5, { 0: 0.1, 1: 0.2 }]) {
    assertThrows(() => scale.check(wrong, "x"), RangeError, "x must be [min, max] with 0 < min <= max <= 1; got ");
  }
  assertEquals(sentence(range(), [2, 3000]), undefined);
  assertEquals(sentence(oneOf("a", "b", "c"), "d"), 'x must be "a", "b" or "c"; got "d".');
  assertEquals(sentence(oneOf(2), "2"), 'x must be 2; got "2".');
  assertEquals(sentence(flag, "true"), 'x must be true or false; got "true".');
});

interface Toy {
  size: { width: number; depth?: number };
  rate: number;
}
const toy = record<Toy>({
  size: record<Toy["size"]>({ width: count, depth: optional(count) }, ({ width, depth = 1 }) => {
    if (width < depth) throw new RangeError("deeper than wide");
  }),
  rate: number(),
});

Deno.test("checkShape() names what is missing, unknown or misplaced, unknown names first", () => {
  checkShape({ size: { width: 3, depth: undefined }, rate: 0 }, toy);
  const cases: [unknown, string][] = [
    [{ size: { width: 3 } }, "rate is missing."],
    [{ size: { widht: 3 }, rate: 0 }, "size.widht is not known (did you mean size.width?): size has width, depth."],
    [
      { size: { width: 3 }, rate: 0, depth: 1 },
      "depth is not known (did you mean size.depth?): a configuration has size, rate.",
    ],
    [{ size: "x", rates: 0 }, "rates is not known (did you mean rate?): a configuration has size, rate."],
    [{ size: { width: 3 }, rate: 0, quite: 1 }, "quite is not known: a configuration has size, rate."],
    [{ size: 3, rate: 0 }, "size must be an object with parts; got 3."],
    [{ size: { width: 2, depth: 3 }, rate: 0 }, "deeper than wide"],
    [
      JSON.parse('{"size": {"width": 1}, "rate": 0, "__proto__": 1}'),
      "__proto__ is not known: a configuration has size, rate.",
    ],
    ["text", 'a configuration must be an object with parts; got "text".'],
  ];
  for (const [value, expected] of cases) {
    assertEquals(assertThrows(() => checkShape(value, toy), RangeError).message, expected);
  }
});
