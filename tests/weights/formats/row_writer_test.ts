import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { readNpy } from "../../../lib/weights/formats/npy.ts";
import { openRows, type RowArray, rowFiles } from "../../../lib/weights/formats/row_writer.ts";
import { readSafetensors } from "../../../lib/weights/formats/safetensors.ts";
import { withFolder } from "../../with_folder.ts";

const array = (names: string[], shape = [3]): RowArray => ({ names, shape, metadata: { layer: "last" } });
const rows = (...values: number[]) => Float32Array.from(values);

const listing = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();

Deno.test("openRows() writes safetensors as the rows come, with their names", () =>
  withFolder(async (dir) => {
    const path = join(dir, "a.safetensors"), names = ['a "quoted".png', "b\n.png", "ü/c.png"];
    const writer = await openRows(path, array(names));
    await writer.write(rows(1, 2, 3));
    assertEquals(await listing(dir), ["a.safetensors.part"]);
    await writer.write(rows());
    await writer.write(rows(9, 9, 9, 4, 5, 6, 7, 8, 9).subarray(3));
    await writer.finish(names);
    assertEquals(await listing(dir), ["a.safetensors"]);
    const { tensors, metadata } = await readSafetensors(path);
    assertEquals(tensors, { features: { dtype: "F32", shape: [3, 3], data: rows(1, 2, 3, 4, 5, 6, 7, 8, 9) } });
    assertEquals(metadata, { layer: "last", names: JSON.stringify(names) });
  }));

Deno.test("openRows() writes .npy and the names beside it", () =>
  withFolder(async (dir) => {
    const path = join(dir, "a.npy");
    const writer = await openRows(path, array(["x.png", "y.png"], [2, 2]));
    await writer.write(rows(1, 2, 3, 4, 5, 6, 7, 8));
    await writer.finish(["x.png", "y.png"]);
    assertEquals(await listing(dir), ["a.npy", "a.npy.txt"]);
    assertEquals(await readNpy(path), { shape: [2, 2, 2], values: rows(1, 2, 3, 4, 5, 6, 7, 8) });
    assertEquals(await Deno.readTextFile(join(dir, "a.npy.txt")), "x.png\ny.png\n");
  }));

for (const ending of ["safetensors", "npy"]) {
  Deno.test(`openRows() writes .${ending} of fewer rows than could have come, and of none`, () =>
    withFolder(async (dir) => {
      const path = join(dir, `a.${ending}`), names = Array.from({ length: 50 }, (_, i) => `image-${i}.png`);
      for (const came of [["image-1.png", "image-7.png"], []]) {
        const writer = await openRows(path, array(names));
        const values = new Float32Array(3 * came.length).map((_, i) => i);
        await writer.write(values);
        await writer.finish(came);
        if (ending === "npy") {
          assertEquals(await readNpy(path), { shape: [came.length, 3], values });
        } else {
          const { tensors, metadata } = await readSafetensors(path);
          assertEquals(tensors.features, { dtype: "F32", shape: [came.length, 3], data: values });
          assertEquals(JSON.parse(metadata.names), came);
        }
      }
    }));
}

Deno.test("openRows() leaves a list of the same name alone, and the names of before where the rows have no place", () =>
  withFolder(async (dir) => {
    const list = join(dir, "photos.txt"), path = join(dir, "photos.npy");
    await Deno.writeTextFile(list, "of the caller\n");
    for (const isFolder of [false, true]) {
      if (isFolder) {
        await Deno.remove(path);
        await Deno.mkdir(path);
      }
      const writer = await openRows(path, array(["y.png"]));
      await writer.write(rows(1, 2, 3));
      if (!isFolder) await writer.finish(["y.png"]);
      else await assertRejects(() => writer.finish(["z.png"]), Error);
      writer.abandon();
      assertEquals(await listing(dir), ["photos.npy", "photos.npy.txt", "photos.txt"]);
      assertEquals(await Deno.readTextFile(`${path}.txt`), "y.png\n");
    }
    assertEquals(await Deno.readTextFile(list), "of the caller\n");
  }));

Deno.test("abandon() leaves what was there before, and nothing else", () =>
  withFolder(async (dir) => {
    const path = join(dir, "a.npy");
    await Deno.writeTextFile(path, "of before");
    const writer = await openRows(path, array(["x.png"]));
    await writer.write(rows(1, 2, 3));
    writer.abandon();
    writer.abandon();
    assertEquals(await listing(dir), ["a.npy"]);
    assertEquals(await Deno.readTextFile(path), "of before");
  }));

Deno.test("rowFiles() are those that come to be written", () => {
  assertEquals(rowFiles("x/a.safetensors"), ["x/a.safetensors"]);
  assertEquals(rowFiles("x/a.npy"), ["x/a.npy", "x/a.npy.txt"]);
  assertThrows(() => rowFiles("x/a.npy.txt"), Error, "x/a.npy.txt ends in neither");
});

Deno.test("openRows() says what it cannot write", () =>
  withFolder(async (dir) => {
    const open = (name: string, names = ["x"]) => openRows(join(dir, name), array(names));
    await assertRejects(() => open("a.csv"), Error, "ends in neither");
    await assertRejects(() => open("no/a.npy"), Error, "cannot be written");
    await assertRejects(() => open("a.npy", ["a\nb"]), Error, String.raw`"a\nb" has a line break`);
    const huge = Array.from({ length: 10 }, () => "x".repeat(11_000_000));
    await assertRejects(() => open("a.safetensors", huge), RangeError, "do not fit in the header");
    const writer = await open("b.npy");
    await assertRejects(() => writer.write(rows(1, 2)), RangeError, "not whole rows of 3");
    await writer.write(rows(1, 2, 3));
    await assertRejects(() => writer.finish(["x", "y"]), RangeError, "1 rows, for 2 names");
    writer.abandon();
    assertEquals(await listing(dir), []);
  }));
