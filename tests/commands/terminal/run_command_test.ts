import { assertEquals } from "@std/assert";
import { parseArgs } from "node:util";
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
