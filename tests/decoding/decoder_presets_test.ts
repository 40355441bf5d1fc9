import { assertEquals, assertThrows } from "@std/assert";
import { DECODER_PRESETS, decoderPreset } from "../../lib/decoding/decoder_presets.ts";
import { checkDecoderFits } from "../../lib/decoding/decoder_objective.ts";
import { decoderShapes } from "../../lib/decoding/saved_decoder.ts";

const size = { image: 32, patch: 4, width: 192, depth: 6, heads: 6, mlpRatio: 4 };

Deno.test("decoderPreset() fits the encoder that it is asked for, by every name", () => {
  for (const name of Object.keys(DECODER_PRESETS)) {
    const config = decoderPreset(name, size);
    checkDecoderFits(config, { size });
    assertEquals(config.network.condition, 192);
  }
  assertThrows(() => decoderPreset("16px", size), RangeError, 'No decoder is called "16px": there are cifar10');
});

Deno.test("The decoders for CIFAR-10 fit into 20 MB of float16", () => {
  const numbers = ["cifar10", "patches"].map((name) =>
    Object.values(decoderShapes(decoderPreset(name, size)))
      .reduce((sum, shape) => sum + shape.reduce((product, n) => product * n, 1), 0)
  );
  assertEquals(2 * (numbers[0] + numbers[1]) < 20e6, true, numbers.join());
});
