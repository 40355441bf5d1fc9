import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { loadClevr } from "../../../lib/datasets/clevr/clevr.ts";
import { distanceTask } from "../../../lib/datasets/clevr/clevr_tasks.ts";

/** An image's scene as CLEVR's generator writes it. */
function sceneRecord(index: number, depths: number[]) {
  const filename = `CLEVR_val_${`${index}`.padStart(6, "0")}.png`;
  return {
    ...{ image_index: index, image_filename: filename, split: "val", directions: { above: [0, 0, 1] } },
    objects: depths.map((depth, i) => ({
      ...{ color: "red", size: "large", shape: "cube", material: 'a "quoted" {name]', rotation: 10 * i },
      ...{ "3d_coords": [1, i, 0.7], pixel_coords: [100, 20 * i, depth] },
    })),
    relationships: { left: [[1], []], behind: [[], [0]] },
  };
}

const SCENES = [sceneRecord(0, [11.5, 8.25, 9]), sceneRecord(1, [10, 12, 12, 13]), sceneRecord(2, [7, 8, 9, 10, 11])];
const info = { split: "val", scenes: "none", license: "[{ not a scene" };

/** Runs `test` in a folder with CLEVR's layout: an image for each scene, of a brightness of its own. */
async function withClevr(scenes: string, test: (dir: string) => Promise<void>, images = [0, 1, 2]): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(dir, "images", "val"), { recursive: true });
    await Deno.mkdir(join(dir, "scenes"));
    await Deno.writeTextFile(join(dir, "scenes", "CLEVR_val_scenes.json"), scenes);
    for (const index of images) {
      const background = { r: 50 * index, g: 50 * index, b: 50 * index };
      await sharp({ create: { width: 32, height: 24, channels: 3, background } }).png()
        .toFile(join(dir, "images", "val", `CLEVR_val_00000${index}.png`));
    }
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (
  const [written, json] of [
    ["in one line", JSON.stringify({ info, scenes: SCENES })],
    ["indented, scenes in another order", JSON.stringify({ scenes: SCENES.toReversed(), info }, null, 2)],
  ]
) {
  Deno.test(`loadClevr() counts the objects and finds the closest of each image: ${written}`, () =>
    withClevr(json, async (dir) => {
      const dataset = await loadClevr(dir, "val", { colours: "pillow" });
      assertEquals(dataset.colours, "pillow");
      assertEquals([dataset.name, dataset.length], ["CLEVR val", 3]);
      assertEquals(dataset.counts, Int32Array.of(3, 4, 5));
      assertEquals(dataset.closest, Float64Array.of(8.25, 10, 7));
      assertEquals(dataset.labels, Int32Array.of(0, 1, 2));
      assertEquals(distanceTask(dataset).labels, Int32Array.of(1, 4, 0));
      const { pixels, labels } = await dataset.centred(Uint32Array.of(2, 1), 8);
      assertEquals([pixels[0], pixels[192]], [100, 50]);
      assertEquals(labels, Int32Array.of(2, 1));
    }));
}

const message = (json: string, expected: string, images?: number[]) =>
  withClevr(json, async (dir) => {
    const path = join(dir, "scenes", "CLEVR_val_scenes.json");
    await assertRejects(() => loadClevr(dir, "val"), Error, expected.replaceAll("$PATH", path).replaceAll("$DIR", dir));
  }, images);

Deno.test("loadClevr() names what is missing", async () => {
  const json = JSON.stringify({ info, scenes: SCENES });
  await message(json, join("$DIR", "images", "val", "CLEVR_val_000001.png") + " is missing", [0, 2]);
  const two = JSON.stringify({ info, scenes: SCENES.slice(0, 2) });
  await message(two, join("$DIR", "images", "val", "CLEVR_val_000002.png") + " has no scene in $PATH");
  await message(JSON.stringify({ scenes: [SCENES[0], SCENES[0]] }), "$PATH has two scenes for CLEVR_val_000000.png");
  await withClevr(json, async (dir) => {
    await assertRejects(() => loadClevr(dir, "train"), Error, `${join(dir, "images", "train")} cannot be read`);
    await Deno.remove(join(dir, "scenes", "CLEVR_val_scenes.json"));
    await assertRejects(() => loadClevr(dir, "val"), Error, `CLEVR_val_scenes.json cannot be used: No such file`);
  });
});

Deno.test("loadClevr() names the scene that is not CLEVR's", async () => {
  const withScene = (scene: unknown) => JSON.stringify({ scenes: [SCENES[0], scene] });
  await message(withScene({}), "$PATH: scene 1 has no image_filename");
  await message(withScene({ ...SCENES[1], objects: [] }), "scene 1 (CLEVR_val_000001.png) has no objects");
  await message(
    withScene({ ...SCENES[1], objects: [{ pixel_coords: [1, 2] }] }),
    "object 0 has no third of pixel_coords",
  );
  const eleven = sceneRecord(1, new Array(11).fill(9));
  await message(JSON.stringify({ scenes: [SCENES[0], eleven, SCENES[2]] }), "Image 1 shows 11 objects");
});
