/**
 * Has each of the kit's writers write into a folder whose files lie on a full disk, and prints what it says, a line each.
 *
 * @module
 */
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { indexTar } from "../../lib/datasets/archives/tar_index.ts";
import { appendImages, readTable } from "../../lib/datasets/packed/packed_files.ts";
import { saveFigure } from "../../lib/figures/save.ts";
import { openRunFolder } from "../../lib/training/runs/run_folder.ts";
import { openRows } from "../../lib/weights/formats/row_writer.ts";
import { writeSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { openToWrite } from "../../lib/write_file.ts";
import { tarOf } from "../datasets/fixtures/tar_of.ts";

const [dir] = Deno.args;

async function said(file: string, write: () => Promise<unknown>): Promise<void> {
  await Deno.symlink("/dev/full", `${dir}/${file}`);
  await write().then(() => console.log(`${file}: nothing was said`), (error) => console.log(error.message));
}

await said("log.jsonl", async () => {
  using log = await openToWrite(`${dir}/log.jsonl`, { append: true });
  log.writeText("{}\n");
});

const tensors = { x: { dtype: "U8" as const, shape: [1], data: new Uint8Array(1) } };
await said("weights.safetensors.part", () => writeSafetensors(`${dir}/weights.safetensors`, tensors));

for (const [part, path] of [["rows.npy.part", "rows.npy"], ["names.npy.txt.part", "names.npy"]]) {
  await said(part, async () => {
    const rows = await openRows(`${dir}/${path}`, { names: ["a"], shape: [1], metadata: {} });
    await rows.write(new Float32Array(1));
    await rows.finish(["a"]);
  });
}

await said("figure.svg", () => saveFigure({ data: [], layout: { width: 9, height: 9 } }, `${dir}/figure.svg`));

await Deno.mkdir(`${dir}/new`);
const images = memoryDataset({
  ...{ name: "images", classes: ["one"], pixels: new Uint8Array(3), width: 1, height: 1, labels: new Int32Array(1) },
});
await said(`new/data.json.${Deno.pid}.part`, () => openRunFolder(`${dir}/new`, {}, images, false));

await Deno.mkdir(`${dir}/packed`);
const image = { pixels: new Uint8Array(3), width: 1, height: 1, packedWidth: 1, packedHeight: 1, label: 0, source: 0 };
await said("packed/pixels.u8", async () => {
  await appendImages(
    `${dir}/packed`,
    await readTable(`${dir}/packed`),
    (async function* () {
      yield await Promise.resolve([image]);
    })(),
  );
});

const archive = `${dir}/a.tar`, cache = `${dir}/cache`;
await Deno.writeFile(archive, tarOf(new Map([["x.png", new Uint8Array(1)]])));
await indexTar(archive, cache);
const [{ name }] = [...Deno.readDirSync(cache)];
await Deno.remove(`${cache}/${name}`);
await said(
  `cache/${name}.${Deno.pid}.part`,
  () => indexTar(archive, cache).catch((error) => Promise.reject(new Error(error.message.replace(name, "index.json")))),
);
