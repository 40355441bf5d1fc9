import { assertRejects } from "@std/assert";
import { checkOutputFile, checkReplacesNothing } from "../../../lib/commands/terminal/flags.ts";

Deno.test("checkOutputFile() takes files that are there or not, and names the folder that is missing or in the way", async () => {
  const dir = await Deno.makeTempDir({ prefix: "flags_test_" });
  const refused = (path: string, message: string) => assertRejects(() => checkOutputFile("out", path), Error, message);
  try {
    await Deno.writeTextFile(`${dir}/old.json`, "{}");
    await checkOutputFile("out", `${dir}/old.json`);
    await checkOutputFile("out", `${dir}/new.json`);
    await checkOutputFile("out", "in-this-folder.json");
    await refused(dir, `--out takes a file, but ${dir} is a folder`);
    await refused(`${dir}/no/new.json`, `cannot be written, as there is no folder ${dir}/no: make it`);
    await refused(`${dir}/old.json/new.json`, `cannot be written, as ${dir}/old.json is no folder`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("checkReplacesNothing() refuses a file that is read, or that lies in a folder that is", async () => {
  const dir = await Deno.makeTempDir({ prefix: "flags_test_" }), file = `${dir}/run/encoder.safetensors`;
  try {
    await Deno.mkdir(`${dir}/run`);
    await Deno.writeTextFile(file, "");
    await Deno.symlink(`${dir}/run`, `${dir}/link`);
    await checkReplacesNothing(`${dir}/run/new.safetensors`, { weights: `${dir}/run`, list: undefined });
    await checkReplacesNothing(file, { weights: `${dir}/ru`, list: `${dir}/none.txt` });
    const refused = (weights: string, message: string) =>
      assertRejects(() => checkReplacesNothing(file, { weights }), Error, `encoder.safetensors, which ${message}`);
    await refused(file, "is what --weights names");
    await refused(`${dir}/run`, "lies in what --weights names");
    await refused(`${dir}/link`, "lies in what --weights names");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
