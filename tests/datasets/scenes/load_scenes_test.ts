import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { loadScenes } from "../../../lib/datasets/scenes/load_scenes.ts";
import { scenes } from "../../../lib/datasets/scenes/scenes.ts";
import { withFolder } from "../../with_folder.ts";

const names = async (dir: string) =>
  (await Array.fromAsync(Deno.readDir(join(dir, "scenes")), ({ name }) => name)).sort();

const ALL = Uint32Array.of(0, 1, 2);

Deno.test("loadScenes() gives what scenes() does, the second time without rendering", () =>
  withFolder(async (dir) => {
    const options = { images: 3, size: 16, seed: 2, split: "test" } as const;
    const made = await scenes(options), pixels = (await made.centred(ALL, 16)).pixels;
    for (const steps of [[1, 2, 3], [3]]) {
      const told: number[] = [];
      const dataset = await loadScenes(dir, { ...options, onProgress: (images) => told.push(images) });
      assertEquals(told, steps);
      assertEquals(dataset.scenes, made.scenes);
      assertEquals([dataset.name, dataset.classes], [made.name, made.classes]);
      assertEquals([dataset.labels, dataset.counts], [made.labels, made.counts]);
      assertEquals(dataset.closest, made.closest);
      assertEquals((await dataset.centred(ALL, 16)).pixels, pixels);
      assertEquals((await names(dir)).length, 2);
    }
    for (const other of [{ seed: 3 }, { split: "train" }, { size: 8 }, { images: 2 }, { objects: [1, 2] }] as const) {
      const before = (await names(dir)).length;
      const dataset = await loadScenes(dir, { ...options, ...other } as typeof options);
      assertEquals((await names(dir)).length, before + 2, JSON.stringify(other));
      if ("seed" in other || "split" in other) assertNotEquals(dataset.scenes[0].camera, made.scenes[0].camera);
    }
  }));

Deno.test("loadScenes() names the kept file that is damaged", () =>
  withFolder(async (dir) => {
    const options = { images: 2, size: 8 };
    await loadScenes(dir, options);
    const [index, pixels] = (await names(dir)).map((name) => join(dir, "scenes", name));
    const bytes = await Deno.readFile(pixels);
    bytes[5] ^= 1;
    await Deno.writeFile(pixels, bytes);
    await assertRejects(() => loadScenes(dir, options), Error, `${pixels} cannot be used (its sha256`);
    await Deno.remove(pixels);
    await assertRejects(() => loadScenes(dir, options), Error, `delete ${index} and it is made anew.`);
    await Deno.writeTextFile(index, "{");
    await assertRejects(() => loadScenes(dir, options), Error, `${index} cannot be used`);
    await Deno.remove(index);
    assertEquals((await loadScenes(dir, options)).length, 2);
    await assertRejects(() => loadScenes(dir, { images: 1, size: 0 }), RangeError, "whole pixels");
  }));
