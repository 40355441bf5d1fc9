import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDataset } from "../../../lib/datasets/open_dataset.ts";
import { sentenceOf } from "../../../lib/commands/terminal/run_command.ts";

function said(...args: string[]): string {
  try {
    parseArgs({ args, options: { weights: { type: "string" }, help: { type: "boolean", short: "h" } } });
  } catch (error) {
    return sentenceOf(error as Error);
  }
  throw new Error("nothing was wrong");
}

Deno.test("errors of the argument parser are on one line and end with where the options are listed", () => {
  assertEquals(said("--wieghts", "x"), "Unknown option '--wieghts'. --help lists the options.");
  assertEquals(said("--weights"), "Option '--weights <value>' argument missing. --help lists the options.");
  for (const args of [["--weights", "-3"], ["--help=3"], ["weights"]]) {
    const sentence = said(...args), times = sentence.split("--help lists the options.").length - 1;
    assertEquals([times, sentence.includes("\n"), sentence.includes("..")], [1, false, false], sentence);
    assertEquals(sentence.endsWith(". --help lists the options."), true, sentence);
  }
  assertEquals(sentenceOf(new Error("Say which encoder.")), "Say which encoder.");
});

Deno.test("what the library calls options is said as flags, however deep in a message", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(dir, "part/cat"), { recursive: true });
    await Deno.writeTextFile(join(dir, "part/cat/1.png"), "no image");
    const errorOf = (work: Promise<unknown>) => work.then(() => new Error("none"), (error: Error) => error);
    const doubt = sentenceOf(await errorOf(openDataset(dir)));
    const advice =
      "add --layout classes where the folders in .* all the same, or add --layout flat for all images without";
    assertMatch(doubt, new RegExp(advice));
    const { train } = await openDataset(join(dir, "part"));
    const bad = await errorOf(train.centred(Uint32Array.of(0), 4));
    assertMatch(bad.message, /repair or remove it, or set onBadImage to "skip"\.$/);
    assertMatch(sentenceOf(new Error(`knn, encoder: ${bad.message}`)), /remove it, or add --skip-bad-images\.$/);
    for (const sentence of [doubt, sentenceOf(bad)]) {
      assertEquals(/set (layout|onBadImage)/.test(sentence), false, sentence);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("an error of the operating system that nobody has put into words is one sentence with the path first", async () => {
  const raw = await Deno.readTextFile("/no/where").then(() => new Error("none"), (error: Error) => error);
  assertEquals(
    sentenceOf(raw),
    "/no/where cannot be used (No such file or directory (os error 2)): is the path right?",
  );
});

Deno.test("a command that fails says one sentence, on standard error, and its process ends with code 1", async () => {
  const args = ["run", "-P=kit", "--quiet", "--no-check", "lib/commands/encode.ts"], env = { NO_COLOR: "1" };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
  const told = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([code, ...told], [1, "", "Say which encoder: --weights FILE or DIR.\n"]);
});
