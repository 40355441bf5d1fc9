import "../tensorflow/loaded.ts";
import { assertEquals } from "@std/assert";
import { architecture, encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { isDecayed, isTrained } from "../../lib/nn/parameters.ts";

const ti = architecture("Ti/16");
const shapes = { ...encoderShapes(ti), ...predictorShapes(ti) };

Deno.test("isTrained() leaves out the positions alone", () => {
  assertEquals(Object.keys(shapes).filter((name) => !isTrained(name)), ["pos_embed", "predictor_pos_embed"]);
});

Deno.test("isDecayed() picks matrices, the patch embedding and the mask token: no bias, norm or position", () => {
  const decayed = Object.keys(shapes).filter(isDecayed);
  const expected = Object.entries(shapes)
    .filter(([name, shape]) => shape.length > 1 && !/pos_embed/.test(name))
    .map(([name]) => name);
  assertEquals(decayed, expected);
  assertEquals(decayed.length, 1 + 4 * (12 + 6) + 2 + 1);
});
