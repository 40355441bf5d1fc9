import { assertEquals, assertThrows } from "@std/assert";
import { changedBySet } from "../../../lib/commands/inputs/config_flags.ts";

const CONFIG = {
  seed: 0,
  clip: 3,
  microBatch: 8,
  crop: { scale: [0.3, 1] },
  masks: { sampler: "multiBlock", blocks: 4 },
};

Deno.test("changedBySet() takes numbers, words, truth values, JSON, infinity, and null for what is left out", () => {
  const cases: [string[], object][] = [
    [["seed=7"], { ...CONFIG, seed: 7 }],
    [["clip=Infinity"], { ...CONFIG, clip: Infinity }],
    [["clip=null"], { ...CONFIG, clip: Infinity }],
    [["clip=1e-3", "seed=.5"], { ...CONFIG, clip: 0.001, seed: 0.5 }],
    [["microBatch=null"], { seed: 0, clip: 3, crop: CONFIG.crop, masks: CONFIG.masks }],
    [["precision=bfloat16", 'method="mae"'], { ...CONFIG, precision: "bfloat16", method: "mae" }],
    [["recompute=true", "flip=false"], { ...CONFIG, recompute: true, flip: false }],
    [["crop.scale=[0.5,1]"], { ...CONFIG, crop: { scale: [0.5, 1] } }],
    [["masks.blocks=1"], { ...CONFIG, masks: { sampler: "multiBlock", blocks: 1 } }],
    [['masks={"sampler":"random"}', "masks.targetScale=0.5"], {
      ...CONFIG,
      masks: { sampler: "random", targetScale: 0.5 },
    }],
    [["local.crop.scale=[0.1,0.2]"], { ...CONFIG, local: { crop: { scale: [0.1, 0.2] } } }],
    [["name=a=b"], { ...CONFIG, name: "a=b" }],
    [[], CONFIG],
  ];
  for (const [set, expected] of cases) assertEquals(changedBySet(CONFIG, { set }), expected, set.join(" "));
  assertEquals(CONFIG.masks, { sampler: "multiBlock", blocks: 4 });
});

Deno.test("changedBySet() refuses in one sentence what it cannot read, and what is said twice", () => {
  const cases: [string[], string][] = [
    [["seed"], '--set takes PATH=VALUE, such as masks.blocks=1; got "seed".'],
    [["=1"], '--set takes PATH=VALUE, such as masks.blocks=1; got "=1".'],
    [["masks..blocks=1"], '--set takes PATH=VALUE, such as masks.blocks=1; got "masks..blocks=1".'],
    [["masks={sampler"], "--set masks={sampler: the value is no JSON ("],
    [["seed.x=1"], "--set: seed is 0, which has no parts: set it as a whole."],
    [["crop.scale.0=0.5"], "--set: crop.scale is [0.3,1], which has no parts: set it as a whole."],
    [["seed=1", "seed=2"], "--set seed=2 replaces what --set seed=1 says: leave one of them out."],
    [["masks.blocks=1", "masks={}"], "--set masks={} replaces what --set masks.blocks=1 says: leave one of them out."],
  ];
  for (const [set, sentence] of cases) assertThrows(() => changedBySet(CONFIG, { set }), Error, sentence);
  const flags: [Record<string, string>, string, string][] = [
    [
      { lr: "1" },
      "learningRate.peak=1",
      "--lr and --set learningRate.peak=1 name the same part: leave one of them out.",
    ],
    [{ lr: "1" }, "learningRate={}", "--lr and --set learningRate={} name the same part"],
    [{ "micro-batch": "4" }, "microBatch=4", "--micro-batch and --set microBatch=4 name the same part"],
  ];
  for (const [given, set, sentence] of flags) {
    assertThrows(() => changedBySet(CONFIG, { ...given, set: [set] }), Error, sentence);
  }
});
