/** @module Tests of lib/jepa/architectures.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { architecture, encoderShapes, parameterCount, predictorShapes } from "../../lib/jepa/architectures.ts";

const names = ["Ti/16", "S/16", "B/16", "L/16", "H/14", "H/16", "G/16"];

Deno.test("architecture() gives the paper's sizes", () => {
  const predictor = { width: 384, depth: 12, heads: 16 };
  assertEquals(architecture("L/16"), {
    image: 224,
    patch: 16,
    width: 1024,
    depth: 24,
    heads: 16,
    mlpRatio: 4,
    predictor,
  });
  const huge = { patch: 14, width: 1280, depth: 32, heads: 16, mlpRatio: 4, predictor };
  assertEquals(architecture("H/14"), { image: 224, ...huge });
  assertEquals(architecture("H/16", { image: 448 }), { ...huge, image: 448, patch: 16 });
  assertEquals(architecture("B/16").predictor, { width: 384, depth: 6, heads: 12 });
  assertEquals(architecture("G/16").predictor, { width: 384, depth: 16, heads: 16 });
});

Deno.test("architecture() gives every encoder and predictor whole heads", () => {
  for (const name of names) {
    const { width, heads, predictor } = architecture(name);
    assert(width % heads === 0 && predictor.width % predictor.heads === 0, name);
  }
});

Deno.test("parameterCount() finds the totals of the published models", () => {
  // timm's ViT without its head, [cls] token and position embedding: e.g. 85,798,656 - 768 - 197 * 768 for B/16.
  const totals = {
    "Ti/16": 5_486_400,
    "S/16": 21_589_632,
    "B/16": 85_646_592,
    "L/16": 303_098_880,
    "H/14": 630_434_560,
  };
  for (const [name, total] of Object.entries(totals)) {
    assertEquals(parameterCount(architecture(name)).encoder, total, name);
  }
});

Deno.test("parameterCount() agrees with the closed formula", () => {
  const block = (d: number, hidden: number) => 4 * d * d + 2 * d * hidden + 9 * d + hidden;
  for (const name of names) {
    const { patch, width: d, depth, predictor: { width: p, depth: predictorDepth } } = architecture(name);
    const hidden = name === "G/16" ? 6144 : 4 * d;
    assertEquals(parameterCount(architecture(name)), {
      encoder: 3 * patch ** 2 * d + d + depth * block(d, hidden) + 2 * d,
      predictor: (d * p + p) + p + predictorDepth * block(p, 4 * p) + 2 * p + (p * d + d),
    });
  }
});

Deno.test("parameterCount() does not depend on the image", () => {
  assertEquals(parameterCount(architecture("H/16")), parameterCount(architecture("H/16", { image: 448 })));
});

Deno.test("encoderShapes() and predictorShapes() name the parameters as the authors do", () => {
  const size = architecture("Ti/4", { image: 32 });
  const encoder = encoderShapes(size), predictor = predictorShapes(size);
  assertEquals(encoder["patch_embed.proj.weight"], [192, 3, 4, 4]);
  assertEquals(encoder["pos_embed"], [1, 64, 192]);
  assertEquals(encoder["blocks.11.attn.qkv.weight"], [576, 192]);
  assertEquals(encoder["blocks.0.mlp.fc1.weight"], [768, 192]);
  assertEquals(Object.keys(encoder).length, 5 + 12 * 12);
  assertEquals(predictor["predictor_embed.weight"], [96, 192]);
  assertEquals(predictor["mask_token"], [1, 1, 96]);
  assertEquals(predictor["predictor_proj.weight"], [192, 96]);
  assertEquals(Object.keys(predictor).length, 8 + 6 * 12);
});

Deno.test("architecture() says what is wrong with a name or an image", () => {
  const message = `No architecture is called "XL/16": a name is one of Ti, S, B, L, H, G, a slash`;
  assertThrows(() => architecture("XL/16"), RangeError, message);
  for (const name of ["B", "b/16", "B/0", "B/16/", "", "constructor/16"]) {
    assertThrows(() => architecture(name), RangeError, `No architecture is called "${name}"`);
  }
  assertThrows(() => architecture("H/14", { image: 448 + 1 }), RangeError, "An image of 449 pixels cannot be cut");
  assertThrows(() => architecture("B/16", { image: 8 }), RangeError, "An image of 8 pixels cannot be cut");
});
