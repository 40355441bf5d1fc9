import { assertEquals, assertThrows } from "@std/assert";
import { preset } from "../../../lib/jepa/pretraining/presets.ts";
import { changedBy } from "../../../lib/commands/inputs/training_flags.ts";

Deno.test("changedBy() cuts a step into one micro-batch a worker, unless somebody says otherwise, or refuses in a sentence", () => {
  const small = preset("cifar10"), large = preset("imagenet-b16"); // batches of 128, and of 2,048 in 128s
  const cut = (config: typeof small, workers: number, flags = {}) => changedBy(flags, config, workers).microBatch;
  assertEquals([cut(small, 1), cut(small, 4), cut(large, 4)], [undefined, 32, 128]);
  assertEquals([cut(small, 2, { "micro-batch": "8" }), cut(small, 3, { batch: "96" })], [8, 32]);
  const refusals: [typeof small, number, Record<string, string>, string][] = [
    [small, 3, {}, "A step of 128 images cannot be shared evenly by 3 workers: change"],
    [large, 3, {}, "A step of 2048 images in micro-batches of 128 cannot be shared evenly by 3 workers"],
    [large, 4, { "batch": "256" }, "A step of 256 images in micro-batches of 128 cannot be shared"],
    [small, 2, { "micro-batch": "48" }, "A step of 128 images in micro-batches of 48 cannot be shared"],
  ];
  for (const [config, workers, flags, sentence] of refusals) {
    assertThrows(() => changedBy(flags, config, workers), Error, sentence);
  }
});
