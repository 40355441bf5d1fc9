import { assertEquals } from "@std/assert";
import { describe } from "../../../lib/commands/inputs/open_images.ts";
import type { Dataset } from "../../../lib/datasets/dataset.ts";

const set = (name: string, classes: string[], labels: number[], ignored?: string[]) =>
  ({ name, classes, labels: Int32Array.from(labels), length: labels.length, ignored }) as unknown as Dataset;

Deno.test("describe() says what folders were taken for, what differs, and how much was left out", () => {
  assertEquals(
    describe(set("d", ["unlabelled"], [-1, -1])),
    "d to train on: 2 images, without classes.",
  );
  assertEquals(
    describe(set("d/train", ["a", "b", "c", "d"], [0, 1, 2, 3]), set("d/val", ["a", "b", "c", "d"], [0, 1, 2])),
    "d/train to train on: 4 images, 4 classes (a, b, c, ...); d/val to test on: 3 images, 4 classes (a, b, c, ...).",
  );
  assertEquals(
    describe(set("t", ["a", "b"], [0, 1], ["t/x.txt", "y"]), set("v", ["a", "c"], [0], ["v/.z"])),
    "t to train on: 2 images, 2 classes (a, b); v to test on: 1 images, 2 classes (a, c), not the same ones (b, c in one " +
      "alone); left out: 3 other file(s) or folder(s), such as t/x.txt.",
  );
});
