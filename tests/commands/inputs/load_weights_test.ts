import { assertEquals, assertMatch } from "@std/assert";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { processorNote, readingNote } from "../../../lib/commands/inputs/load_weights.ts";

Deno.test("readingNote() says what of a file was taken for the encoder, where that is not all as it stands", () => {
  assertEquals(readingNote("a.safetensors", {}), "");
  assertEquals(
    readingNote("a.safetensors", { prefix: "module." }),
    `a.safetensors: the encoder is what has "module." before its names.`,
  );
  assertEquals(
    readingNote("a.safetensors", { prefix: "vit.", aside: ["head.bias", "head.weight", "x", "y"] }),
    `a.safetensors: the encoder is what has "vit." before its names; left aside: "head.bias", "head.weight", "x" and 1 more.`,
  );
  assertEquals(readingNote("a", { aside: ["head.bias"] }), `a: left aside: "head.bias".`);
});

Deno.test("processorNote() tells the published encoder's processor, and no other", () => {
  const own = defaultPreprocessing(224), half: [number, number, number] = [0.5, 0.5, 0.5];
  assertEquals(processorNote("w", {}), "");
  assertEquals(processorNote("w", { preprocessing: own }), "");
  assertEquals(processorNote("w", { preprocessing: { ...own, mean: half } }), "");
  assertMatch(
    processorNote("w", { preprocessing: { ...own, mean: half, deviation: half } }),
    /^w comes with .* 0\.5\. .* the context encoder, .* --preprocessing imagenet\.$/,
  );
});
