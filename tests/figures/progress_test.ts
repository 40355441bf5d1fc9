import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  formatDuration,
  formatNumber,
  progressBar,
  type ProgressOutput,
  progressText,
  wholeFields,
} from "../../lib/figures/progress.ts";

/** An output that remembers what was written to it. */
function recorder(terminal: Partial<ProgressOutput> = {}): ProgressOutput & { written: string } {
  return {
    ...terminal,
    written: "",
    write(text: string) {
      this.written += text;
      return true;
    },
  };
}

Deno.test("progressBar() says nothing where there is no terminal, but for the lines it is asked to log", () => {
  const output = recorder(), bar = progressBar({ label: "train", total: 1000, unit: "steps" }, output);
  for (let step = 1; step <= 1000; step++) {
    bar.update(step, { loss: 1 / step });
    bar.note("writing a file");
    if (step === 500) bar.log("One image is left out.");
  }
  bar.stop();
  assertEquals(output.written, "One image is left out.\n");
});

Deno.test("progressBar() keeps to the terminal's width, and ends its logged lines", async () => {
  const output = recorder({ isTTY: true, columns: 60 });
  const bar = progressBar({ label: "download", total: 2e6, unit: "bytes" }, output);
  bar.update(5e5, { file: "a-rather-long-name-of-a-file.safetensors.part.0001" });
  bar.log("first line");
  await new Promise((resolve) => setTimeout(resolve, 10));
  bar.update(2e6);
  bar.stop();
  assertStringIncludes(output.written, "first line\n");
  assertStringIncludes(output.written, "0.5/2.0 MB");
  assert(output.written.endsWith("\n"));
  // deno-lint-ignore no-control-regex
  const drawn = output.written.split(/\x1b\[\d*[A-Z]|\n/);
  assert(drawn.every((text) => text.length < 60), "a line is wider than the terminal");
});

Deno.test("progressText() orders share, counts, rate, time left and fields", () => {
  const fields = { loss: 0.23456, lr: 1e-5, EMA: 0.99641 };
  assertEquals(
    progressText({ label: "pretrain", unit: "steps", done: 250, total: 1000, rate: 2.5, fields }, 8),
    "pretrain  ██░░░░░░  25 %  250/1,000 steps  2.50 steps/s  5:00 left  loss 0.235  lr 1e-5  EMA 0.9964",
  );
  assertEquals(
    progressText({ label: "cifar", unit: "bytes", done: 3.21e7, total: 0, rate: 4e6, fields: {} }, 0),
    "cifar  32 MB  4.00 MB/s",
  );
});

Deno.test("progressBar() says what else is being done until it is done, beside a count that stands still", () => {
  const drawn = (...notes: string[]) => {
    const output = recorder({ isTTY: true, columns: 100 });
    const bar = progressBar({ label: "train", total: 10, unit: "steps" }, output);
    bar.update(10);
    notes.forEach(bar.note);
    bar.stop();
    return output.written;
  };
  assertStringIncludes(drawn("writing a file, 2.1 of 5.1 GB"), "10/10 steps  writing a file, 2.1 of 5.1 GB");
  assert(!drawn("writing a file", "").includes("writing"));
});

Deno.test("formatNumber() and formatDuration() write numbers as people do", () => {
  assertEquals([0, 1234.5, 0.01234, 1.5e-5, 12.345, NaN].map(formatNumber), [
    "0",
    "1,235",
    "0.0123",
    "1.5e-5",
    "12.3",
    "NaN",
  ]);
  assertEquals([8, 185, 7385, 100_800].map(formatDuration), ["8 s", "3:05", "2:03:05", "1 d 4 h"]);
});

Deno.test("wholeFields() drops what a terminal has no room for, rather than cut it", () => {
  const line = "Training  12 %  3/25 steps  loss 0.123  images/s 1,234";
  assertEquals(wholeFields(line, 80), line);
  assertEquals(wholeFields(line, line.length - 1), "Training  12 %  3/25 steps  loss 0.123");
  assertEquals(wholeFields(line, 20), "Training  12 %");
  assertEquals(wholeFields("Training", 4), "Trai");
});
