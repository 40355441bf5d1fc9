import { assertEquals, assertMatch } from "@std/assert";
import { evaluationBar } from "../../../lib/commands/evaluation/evaluation_bar.ts";

Deno.test("evaluationBar() tells of each piece of work what is done, how many images, and which evaluation it is", () => {
  let written = "";
  const bar = evaluationBar(6, { isTTY: true, columns: 120, write: (text: string) => written += text });
  bar.onStage("knn, encoder");
  for (const images of [256, 512, 600]) bar.onProgress(images, 600);
  bar.onProgress(100, 100);
  bar.onStage("knn, raw pixels");
  bar.onProgress(50, 100);
  bar.stop();
  // A bar ends with a line's end, and draws over itself before.
  // deno-lint-ignore no-control-regex
  const lines = written.trimEnd().split("\n").map((line) => line.split(/\x1b\[[\d;?]*[A-Za-z]/).findLast(Boolean));
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^knn, encoder .*100 % +600\/600 images .*evaluation 1\/6$/);
  assertMatch(lines[1]!, /^knn, encoder .*100 % +100\/100 images .*evaluation 1\/6$/);
  assertMatch(lines[2]!, /^knn, raw pixels .*50 % +50\/100 images .*evaluation 2\/6$/);
});
