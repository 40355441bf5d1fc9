import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { confusionMatrix } from "../../lib/evaluation/confusion_matrix.ts";

Deno.test("confusionMatrix() has the shares of each class's images, in percent", () => {
  const labels = [0, 0, 0, 0, 1, 1, 3], given = [0, 0, 0, 1, 1, 2, 3];
  assertEquals([...confusionMatrix(labels, [given], 4)], [75, 25, 0, 0, 0, 50, 50, 0, 0, 0, 0, 0, 0, 0, 0, 100]);
});

Deno.test("confusionMatrix() of several predictions is their mean", () => {
  const labels = Int32Array.of(0, 1, 1), right = labels, wrong = Int32Array.of(1, 0, 0);
  const mean = confusionMatrix(labels, [right, right, wrong], 2);
  [200 / 3, 100 / 3, 100 / 3, 200 / 3].forEach((share, i) => assertAlmostEquals(mean[i], share, 1e-12));
});

Deno.test("confusionMatrix() refuses what does not fit", () => {
  assertThrows(() => confusionMatrix([0, 1], [], 2), RangeError, "needs predictions");
  assertThrows(() => confusionMatrix([0, 1], [[0]], 2), RangeError, "1 predictions for 2 labels");
  assertThrows(() => confusionMatrix([0, -1], [[0, 0]], 2), RangeError, "Image 1 has the label -1");
  assertThrows(() => confusionMatrix([0, 1], [[0, 2]], 2), RangeError, "Image 1 has the label 2");
});
