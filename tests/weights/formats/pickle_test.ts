import { assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { textKeys, unpickle } from "../../../lib/weights/formats/pickle.ts";

/** A pickle of protocol 2 with this body: numbers are bytes, texts their characters. */
const pickle = (...body: (number | string)[]) =>
  Uint8Array.from([0x80, 2, ...body.flatMap((part) => typeof part === "number" ? [part] : [...part].map(code))]);
const code = (character: string) => character.charCodeAt(0);

function read(bytes: Uint8Array): unknown {
  return unpickle(bytes, {
    callables: { "kit.sum": (args) => args.reduce((sum: number, x) => sum + (x as number), 0) },
    constants: { "kit.ten": 10 },
    refusal: () => ", which is not listed",
    persistent: (id) => `outside: ${id}`,
  }, (why) => {
    throw new Error(`refused: ${why}`);
  });
}

Deno.test("unpickle() calls what is listed, and gives what stands for itself or lies outside", () => {
  assertEquals(read(pickle("ckit\nsum\n", "K", 3, "K", 4, 0x86, "R.")), 7);
  assertEquals(read(pickle("ckit\nten\n.")), 10);
  assertEquals(read(pickle("X", 1, 0, 0, 0, "aQ.")), "outside: a");
  assertEquals(read(Uint8Array.of(0x80, 4, 0x95, 8, 0, 0, 0, 0, 0, 0, 0, 0x4e, 0x2e)), null); // in a frame
});

Deno.test("unpickle() refuses by name what is not listed, as soon as it is named", () => {
  assertThrows(() => read(pickle("cos\nsystem\n.")), Error, "asks for os.system, which is not listed");
  assertThrows(() => read(pickle("cbuiltins\neval\n", "X", 1, 0, 0, 0, "1", 0x85, "R.")), Error, "builtins.eval");
  const stacked = pickle("X", 2, 0, 0, 0, "os", "X", 6, 0, 0, 0, "system", 0x93, ".");
  assertThrows(() => read(stacked), Error, "asks for os.system");
  for (const inherited of ["constructor", "__proto__", "toString"]) {
    assertThrows(() => read(pickle(`c\n${inherited}\n.`)), Error, `asks for .${inherited}`);
  }
});

Deno.test("unpickle() refuses the opcodes that make objects of classes, and says which", () => {
  // INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, and PERSID of protocol 0
  for (const [opcode, hex] of [["i", "69"], ["o", "6f"], [0x81, "81"], [0x92, "92"], [0x82, "82"], ["P", "50"]]) {
    assertThrows(() => read(pickle("(", opcode, "kit\nsum\n.")), Error, `opcode 0x${hex}`);
  }
});

Deno.test("unpickle() refuses what no Python would write", () => {
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(), "does not begin"],
    [Uint8Array.of(0x28, 0x2e), "does not begin"],
    [Uint8Array.of(0x80, 1, 0x4e, 0x2e), "of protocol 1"],
    [Uint8Array.of(0x80, 5, 0x4e, 0x2e), "of protocol 5"],
    [pickle(), "cut short"],
    [pickle("N"), "cut short"],
    [pickle("J", 1, 2), "cut short"],
    [pickle("X", 255, 255, 255, 255, "a."), "cut short"],
    [pickle(0x8d, 255, 255, 255, 255, 255, 255, 255, 255, "."), "cut short"],
    [pickle("ckit"), "cut short"],
    [pickle("."), "a value that it has not made"],
    [pickle("0."), "a value that it has not made"],
    [pickle("q", 1), "a value that it has not made"],
    [pickle("t."), "a mark that it has not set"],
    [pickle("h", 5, "."), "recalls value 5"],
    [pickle("NNa."), "appends to what is no list"],
    [pickle("NNNs."), "sets items of what is no dictionary"],
    [pickle("}(Nu."), "a key without a value"],
    [pickle("](N", 0x90, "."), "no set"],
    [pickle("N)R."), "calls what is no function"],
    [pickle("ckit\nsum\nNR."), "calls what is no function"],
    [pickle("]}b."), "attributes of what is no dictionary"],
    [pickle("X", 1, 0, 0, 0, 255, "."), "not UTF-8"],
  ];
  for (const [bytes, why] of cases) assertThrows(() => read(bytes), Error, why);
});

/** Runs and holds that it took less than 5 seconds, far less than what it must not try. */
function soon<T>(run: () => T): T {
  const start = performance.now(), result = run(), seconds = (performance.now() - start) / 1000;
  assertLess(seconds, 5);
  return result;
}

/** So many bytes as a pickle's length of 4. */
const uint32 = (length: number) => [...new Uint8Array(Uint32Array.of(length).buffer)];
const repeated = (count: number, ...body: (number | string)[]) => Array.from({ length: count }, () => body).flat();

Deno.test("unpickle() refuses a whole number of many bytes at once", () => {
  const bytes = 1 << 16, start = pickle(0x8b, ...uint32(bytes)), long = new Uint8Array(start.length + bytes + 1);
  long.set(start);
  long.fill(0x7f, start.length);
  long[long.length - 1] = code(".");
  soon(() => assertThrows(() => read(long), Error, `a whole number in it has ${bytes} bytes`));
  assertEquals(read(pickle(0x8a, 32, ...new Array(31).fill(255), 0x7f, ".")), 2n ** 255n - 1n);
});

Deno.test("unpickle() refuses a function that is named by nested tuples at once, without making a text of them", () => {
  // Each doubles the text, up to 2 ** 24 names.
  const doubled = pickle("N", ...repeated(24, "2", 0x86), "2", 0x93, ".");
  soon(() => assertThrows(() => read(doubled), Error, "it names a function by what is no text"));
  const deep = pickle("N", ...repeated(100_000, 0x85), "2", 0x93, ".");
  soon(() => assertThrows(() => read(deep), Error, "it names a function by what is no text"));
});

Deno.test("unpickle() refuses to append to a tuple that it has made", () => {
  const tuples: (number | string)[][] = [[")"], ["(NNt"], ["N", 0x85], ["NN", 0x86], ["NNN", 0x87]];
  for (const tuple of tuples) {
    for (const append of ["Na.", "(Ne."]) {
      assertThrows(() => read(pickle(...tuple, "q", 0, append)), Error, "it appends to what is no list");
    }
  }
});

Deno.test("textKeys() leaves out keys that are nested without end", () => {
  const doubled = read(pickle("N", ...repeated(24, "2", 0x86), "."));
  assertEquals(soon(() => textKeys(new Map<unknown, unknown>([["a", 1], [doubled, 2], [3, 3], ["b", 4]]))), "a, b");
});

Deno.test("unpickle() gives a value of any bytes or refuses them", () => {
  const opcodes = [..."(012NJKMGXTUBC])}tasueqrhjcQRb."].map(code);
  const likely = fc.oneof(fc.constantFrom(...opcodes), fc.nat(255), fc.nat(3));
  fc.assert(
    fc.property(fc.array(likely, { maxLength: 60 }), (body) => {
      try {
        read(Uint8Array.from([0x80, 4, ...body, 0x2e]));
      } catch (error) {
        assertEquals((error as Error).message.slice(0, 9), "refused: ");
      }
    }),
    { numRuns: 5000, seed: 4 },
  );
});
