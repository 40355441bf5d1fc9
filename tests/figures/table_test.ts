import { assertEquals, assertThrows } from "@std/assert";
import { markdownTable, table } from "../../lib/figures/table.ts";

const rows = [["random weights", 29.6, null], ["I-JEPA", 141.123, 12]];
const columns = ["features", { title: "top-1 %", decimals: 1 }, "n"];
const wide = { width: 80, bold: false };

Deno.test("table() aligns texts left and numbers right, on their decimal points", () => {
  assertEquals(
    table(rows, columns, wide),
    [
      "features        top-1 %   n",
      "──────────────  ───────  ──",
      "random weights     29.6   –",
      "I-JEPA            141.1  12",
    ].join("\n"),
  );
});

Deno.test("table() lists cell by cell on a narrow terminal, cutting nothing", () => {
  assertEquals(
    table(rows, columns, { width: 20, bold: false }),
    [
      "features  random weights",
      "top-1 %   29.6",
      "n         –",
      "",
      "features  I-JEPA",
      "top-1 %   141.1",
      "n         12",
    ].join("\n"),
  );
});

Deno.test("table() has bold titles only where the output has bold", () => {
  assertEquals(table([[1]], ["n"], { width: 80, bold: true }), "\x1b[1mn\x1b[22m\n─\n1");
  assertEquals(table([[1]], ["n"], wide), "n\n─\n1");
});

Deno.test("table() refuses a row with a missing cell", () => {
  assertThrows(
    () => table([[1, 2], [3]], ["a", "b"], wide),
    RangeError,
    "Row 1 of the table has 1 cells for 2 columns",
  );
});

Deno.test("markdownTable() aligns numbers to the right and keeps its columns apart", () => {
  const rows = [["a|b", 1.25, null], ["c", 2, 3]] as const;
  assertEquals(markdownTable(rows, ["name", { title: "value", decimals: 1 }, "other"]).split("\n"), [
    "| name | value | other |",
    "| --- | --: | --: |",
    "| a\\|b | 1.3 | – |",
    "| c | 2.0 | 3 |",
  ]);
  assertEquals(markdownTable([["two\nlines", "two\r\nmore"]], ["a|b", { title: "c\nd", decimals: 0 }]).split("\n"), [
    "| a\\|b | c d |",
    "| --- | --- |",
    "| two lines | two more |",
  ]);
  assertThrows(() => markdownTable([["a"]], ["name", "value"]), RangeError, "1 cells for 2 columns");
});
