import { assertEquals } from "@std/assert";
import { missingOutputs, type NotebookCell, type NotebookOutput } from "../../../lib/commands/jupyter/notebook_file.ts";

const figure: NotebookOutput = {
  output_type: "display_data",
  data: { "application/vnd.plotly.v1+json": {}, "image/png": "" },
};
const printed: NotebookOutput = { output_type: "stream", text: "1\n" };
const missing = (source: string, ...outputs: NotebookOutput[]) => {
  const cell: NotebookCell = { cell_type: "code", source, outputs };
  return missingOutputs({ cells: [{ cell_type: "markdown", source: "await show(nothing)" }, cell] });
};

Deno.test("missingOutputs() finds nothing in a cell that shows and prints what it says", () => {
  assertEquals(missing("const x = 1;"), []);
  assertEquals(missing("await show(figure);\nconsole.log(1);", figure, printed), []);
  assertEquals(missing("// await show(figure);\nconst url = 'https://a';"), []);
  assertEquals(
    missing("const bar = liveBar({ total });\nfor (const x of y) await show(x);", figure, figure, figure),
    [],
  );
});

Deno.test("missingOutputs() tells what a cell has lost", () => {
  assertEquals(missing("await show(a);\nawait show(b);", figure), ["code cell 1 shows 1 of 2 outputs"]);
  assertEquals(missing("const live = liveFigure();", printed), ["code cell 1 shows 0 of 1 outputs"]);
  assertEquals(missing("console.log(1);"), ["code cell 1 has lost what it prints"]);
  assertEquals(missing("fail();", { output_type: "error" }), ["code cell 1 ends with an error"]);
  const bare: NotebookOutput = { output_type: "display_data", data: { "application/vnd.plotly.v1+json": {} } };
  assertEquals(missing("await show(a);", bare), ["code cell 1 has a figure without its PNG"]);
});
