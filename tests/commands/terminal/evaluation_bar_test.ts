import { assertEquals, assertMatch } from "@std/assert";
import { evaluationBar } from "../../../lib/commands/terminal/evaluation_bar.ts";

Deno.test("evaluationBar() tells of each piece of work what is done, how many images, and which evaluation it is", () => {
  const lines: string[] = [];
  const bar = evaluationBar(6, { write: (text) => lines.push(text.trim()) });
  bar.onStage("knn, encoder");
  for (const images of [256, 512, 600]) bar.onProgress(images, 600);
  bar.onProgress(100, 100);
  bar.onStage("knn, raw pixels");
  bar.onProgress(50, 100);
  bar.stop();
  assertEquals(lines.length, 3);
  assertMatch(lines[0], /^knn, encoder +100 % +600\/600 images .*evaluation 1\/6$/);
  assertMatch(lines[1], /^knn, encoder +100 % +100\/100 images .*evaluation 1\/6$/);
  assertMatch(lines[2], /^knn, raw pixels +50 % +50\/100 images .*evaluation 2\/6$/);
});
