import { assertEquals, assertThrows } from "@std/assert";
import { deflateSync } from "node:zlib";
import { readStructs } from "../../../lib/datasets/folders/matlab.ts";
import { randomStream } from "../../../lib/random.ts";

const fixture = (name: string) => Deno.readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

Deno.test("readStructs() reads what SciPy wrote, compressed or not", () => {
  for (const name of ["meta.mat", "meta_compressed.mat"]) {
    const structs = readStructs(fixture(name), "synsets");
    assertEquals(structs.map(({ WNID }) => WNID), ["n02119789", "n02100735", "n01440764", "n02084071", "n00001740"]);
    assertEquals(structs[2], {
      ILSVRC2012_ID: [3],
      WNID: "n01440764",
      words: "tench, Tinca tinca",
      gloss: "a carp – of Europe",
      num_children: [0],
      children: [],
      wordnet_height: [0],
      num_train_images: [732],
    });
    assertEquals(structs[3].gloss.length, 0);
    assertEquals([structs[4].children, structs[4].wordnet_height], [[300, 4, 70000], [2.5]]);
  }
});

Deno.test("readStructs() refuses another file, another array, and what is no struct", () => {
  const file = fixture("meta.mat");
  assertThrows(() => readStructs(new TextEncoder().encode("MATLAB"), "synsets"), Error, "it is no MATLAB 5 file");
  assertThrows(() => readStructs(file, "synset"), Error, 'it has no array "synset"');
  assertThrows(() => readStructs(file, "before"), Error, '"before" is an array of class 10, not a struct');
});

Deno.test("readStructs() of a damaged file throws, and gives nothing of it", () => {
  const file = fixture("meta.mat"), whole = readStructs(file, "synsets"), random = randomStream(0);
  for (let end = 128; end < file.length; end += 97) {
    assertThrows(() => readStructs(file.subarray(0, end), "synsets"), Error);
  }
  // A changed byte is an error or, in a text or number, another value; never fewer synsets.
  for (let i = 0; i < 100; i++) {
    const changed = file.slice();
    changed[128 + random.integer(file.length - 128)] ^= 1 << random.integer(8);
    try {
      assertEquals(readStructs(changed, "synsets").length, whole.length);
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AssertionError") throw error;
    }
  }
  const bytes = deflateSync(new Uint8Array(0)), empty = new Uint8Array(128 + 8 + bytes.length);
  empty.set(file.subarray(0, 128));
  new DataView(empty.buffer).setUint32(128, 15, true);
  new DataView(empty.buffer).setUint32(132, bytes.length, true);
  empty.set(bytes, 136);
  assertThrows(() => readStructs(empty, "synsets"), Error, "an array lacks its content");
});
