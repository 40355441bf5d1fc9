/**
 * CLEVR (Johnson et al., CVPR 2017, arXiv 1612.06890) as it is distributed: CLEVR_v1.0/images/train/*.png with
 * CLEVR_v1.0/scenes/CLEVR_train_scenes.json, and the same for val. (Its test images have no scenes.)
 *
 * @module
 */
import { basename, join } from "node:path";
import { type CountedDataset, countLabels, withLabels } from "./clevr_tasks.ts";
import type { ReadOptions } from "../folders/image_files.ts";
import { openImageFolder } from "../folders/image_folder.ts";
import { elementsOf } from "./json_elements.ts";

/** What is needed of a scene. */
interface SceneRecord {
  filename: string;
  count: number;
  closest: number;
}

/** Of a scene in the file: its image's name, and the depth of each object, the third of its pixel_coords. */
function parseScene(scene: Record<string, unknown>, where: string): SceneRecord {
  const { image_filename: filename, objects } = scene;
  if (typeof filename !== "string") throw new Error(`${where} has no image_filename: it is not one of CLEVR's.`);
  if (!Array.isArray(objects) || objects.length === 0) throw new Error(`${where} (${filename}) has no objects.`);
  const depths = objects.map((object, i) => {
    const depth = object?.pixel_coords?.[2];
    if (Number.isFinite(depth)) return depth;
    throw new Error(`${where} (${filename}): object ${i} has no third of pixel_coords, its depth.`);
  });
  return { filename, count: objects.length, closest: Math.min(...depths) };
}

/**
 * A split of CLEVR. VTAB trains on "train" and tests on "val". By default the centred square of the images, which are
 * 480 x 320, is taken; VTAB and the configuration that the paper's numbers are from squeeze the whole image into a square,
 * which keeps every object that the label counts: centred() with resize [size, size].
 *
 * @param dir the folder CLEVR_v1.0
 * @returns its labels are the counts; distanceTask() makes the other task of it
 * @throws Error naming the file, where one is missing or damaged, or images and scenes are not of each other
 */
export async function loadClevr(
  dir: string,
  split: "train" | "val",
  options: Pick<ReadOptions, "colours"> = {},
): Promise<CountedDataset> {
  const folder = join(dir, "images", split), path = join(dir, "scenes", `CLEVR_${split}_scenes.json`);
  // None stands in for another one, as withLabels() sees to.
  const images = await openImageFolder(folder, { ...options, onBadImage: "skip" });
  const scenes = new Map<string, SceneRecord>();
  let index = 0;
  for await (const element of elementsOf(path, "scenes")) {
    const scene = parseScene(element, `${path}: scene ${index++}`);
    if (scenes.has(scene.filename)) throw new Error(`${path} has two scenes for ${scene.filename}: fetch CLEVR again.`);
    scenes.set(scene.filename, scene);
  }
  const inOrder = images.paths.map((image) => {
    const scene = scenes.get(basename(image));
    if (!scene) throw new Error(`${image} has no scene in ${path}: both must be of the same CLEVR.`);
    scenes.delete(scene.filename);
    return scene;
  });
  for (const filename of scenes.keys()) {
    throw new Error(
      `${join(folder, filename)} is missing, as are ${scenes.size - 1} more that ${path} names: unpack all of CLEVR.`,
    );
  }
  const counts = Int32Array.from(inOrder, ({ count }) => count);
  return {
    ...withLabels(images, countLabels(counts), "count"),
    name: `CLEVR ${split}`,
    counts,
    closest: Float64Array.from(inOrder, ({ closest }) => closest),
  };
}
