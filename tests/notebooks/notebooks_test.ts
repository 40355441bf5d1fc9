import { assert, assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { NOTEBOOKS, setUpJupyter } from "../../lib/commands/jupyter/jupyter.ts";
import { codeCells, missingOutputs, type Notebook, sourceOf } from "../../lib/commands/jupyter/notebook_file.ts";
import { runNotebook } from "../../lib/commands/notebooks.ts";

const names = [...Deno.readDirSync(NOTEBOOKS)].map(({ name }) => name).filter((name) => /^\d\d_.*\.ipynb$/.test(name))
  .sort();
const read = async (name: string): Promise<Notebook> => JSON.parse(await Deno.readTextFile(`${NOTEBOOKS}/${name}`));

/** A notebook is read on GitHub, which shows none that is much larger. */
const LARGEST = 3e6;

Deno.test("notebooks are numbered", () => {
  const numbers = ["01_", "02_", "03_", "04_", "05_", "06_", "08_", "09_"]; // 07 is kept for methods beside I-JEPA
  assertEquals(names.map((name) => name.slice(0, 3)), numbers);
});

Deno.test("saved notebooks have all their outputs, figures as Plotly and PNG, and are small", async () => {
  for (const name of names) {
    const notebook = await read(name);
    assertEquals(missingOutputs(notebook), [], name);
    const { size } = await Deno.stat(`${NOTEBOOKS}/${name}`);
    assert(size <= LARGEST, `${name} has ${size} bytes`);
    const types = codeCells(notebook).flatMap(({ outputs = [] }) =>
      outputs.flatMap(({ data }) => Object.keys(data ?? {}))
    );
    assert(types.includes("application/vnd.plotly.v1+json") && types.includes("image/png"), `${name} shows no figure`);
  }
});

Deno.test("notebooks import mod.ts alone, and have short cells", async () => {
  for (const name of names) {
    for (const cell of codeCells(await read(name))) {
      const source = sourceOf(cell), lines = source.split("\n").filter((line) => line.trim() && !/^\s*\/\//.test(line));
      const imported = [...source.matchAll(/from "([^"]+)"/g)].map(([, path]) => path);
      for (const path of imported) assertEquals(path, "../mod.ts", `${name} imports ${path}`);
      // An import of many names is one line to a reader.
      const length = lines.length - (source.match(/import \{[^}]*\}/)?.[0].split("\n").length ?? 1) + 1;
      assert(length <= 25, `${name} has a cell of ${length} lines: ${lines[0]}`);
    }
  }
});

Deno.test("notebooks' cells hold to their types", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const mod = pathToFileURL(`${NOTEBOOKS}/../mod.ts`).href;
    const files = await Promise.all(names.map(async (name) => {
      const code = codeCells(await read(name)).map(sourceOf).join("\n\n").replaceAll('"../mod.ts"', `"${mod}"`);
      const file = `${folder}/${name.replace(".ipynb", ".ts")}`;
      await Deno.writeTextFile(file, code + "\nexport {};\n");
      return file;
    }));
    const check = new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", `${NOTEBOOKS}/../deno.json`, ...files],
      env: { NO_COLOR: "1" },
    });
    const { success, stderr } = await check.output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const name of names) {
  Deno.test(`${name} runs from top to bottom in its quick mode and loses no output`, async () => {
    await setUpJupyter("deno task test");
    const notebook: Notebook = JSON.parse(
      await runNotebook(`${NOTEBOOKS}/${name}`, { quick: true, cellSeconds: 300 }),
    );
    assertEquals(codeCells(notebook).map((cell) => cell.execution_count), codeCells(notebook).map((_, i) => i + 1));
  });
}
