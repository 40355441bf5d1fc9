import { assertEquals, assertThrows } from "@std/assert";
import { checkDecoderConfig } from "../../lib/decoding/check_decoder_config.ts";
import { DECODER_PRESETS, decoderPreset, type PooledDecoderConfig } from "../../lib/decoding/decoder_presets.ts";
import { readDecoderConfig } from "../../lib/decoding/train_decoder.ts";
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

Deno.test("checkDecoderConfig() takes every preset and the decoders that ship, and says what is wrong", async () => {
  for (const name of Object.keys(DECODER_PRESETS)) checkDecoderConfig(decoderPreset(name, size), name);
  for (const name of ["decoder", "patch-decoder"]) await readDecoderConfig(`weights/cifar10/${name}`);
  const { network, ...rest } = decoderPreset("cifar10", size) as PooledDecoderConfig;
  const cases: [unknown, string][] = [
    [
      { ...rest, network: { ...network, chanels: [3] } },
      "network.chanels is not known (did you mean network.channels?)",
    ],
    [
      { ...rest, network: { ...network, channels: [] } },
      "network.channels must be an array of whole numbers of at least 1",
    ],
    [{ ...rest, network: { ...network, channels: [17] } }, "each of a multiple of 16 channels; got [17]"],
    [{ ...rest, network, kind: "pool" }, 'f: kind must be "pooled" or "patches"; got "pool".'],
    [{ ...rest, network, unconditional: 1.5 }, "unconditional must be a number of at least 0 and at most 1; got 1.5."],
    [
      { ...rest, network, diffusion: { schedule: "linear", steps: 3 } },
      "linear noise schedule has at least 21 steps; got 3",
    ],
  ];
  for (const [config, sentence] of cases) assertThrows(() => checkDecoderConfig(config, "f"), RangeError, sentence);
});
