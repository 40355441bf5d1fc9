/**
 * The scenes as a data set: pictures of drawn scenes, in memory, of which the number of objects and all depths are known.
 * It stands in for CLEVR where that is absent, and its camera has CLEVR's distances, so that VTAB's tasks
 * (../clevr_tasks.ts) apply to both.
 *
 * @module
 */
import { type CountedDataset, countLabels } from "../clevr/clevr_tasks.ts";
import { memoryDataset } from "../memory.ts";
import { depthMap, renderScene } from "./render.ts";
import { type Scene, sceneOf } from "./scene.ts";

/** Which scenes to draw. */
export interface ScenesOptions {
  /** How many. */
  images: number;
  /** Width and height of the pictures, in pixels. */
  size: number;
  /** All is drawn from it. Default 0. */
  seed?: number;
  /** Scenes of "train" and "test" of one seed are drawn independently. Default "train". */
  split?: "train" | "test";
  /** Least and greatest number of objects; each is equally frequent. Default [3, 10], CLEVR's. */
  objects?: [number, number];
  /** Told how many pictures are done. */
  onProgress?: (images: number) => void;
}

/** Pictures of scenes. */
export interface ScenesDataset extends CountedDataset {
  /** What is in each picture. */
  readonly scenes: readonly Scene[];
}

/** The options with their defaults, checked. */
export function checkedOptions(options: ScenesOptions): Required<Omit<ScenesOptions, "onProgress">> {
  const { images, size, seed = 0, split = "train", objects = [3, 10] } = options, [least, most] = objects;
  if (!Number.isSafeInteger(images) || images < 0) throw new RangeError(`Scenes come in whole numbers; got ${images}.`);
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`A picture has whole pixels; got ${size}.`);
  if (!(Number.isSafeInteger(least) && Number.isSafeInteger(most) && least >= 1 && least <= most)) {
    throw new RangeError(`A scene's objects must be a range of whole numbers from 1 on; got [${objects}].`);
  }
  return { images, size, seed, split, objects };
}

/**
 * Draws and renders scenes. Scene i and its picture depend on (seed, split, i, objects, size) alone, and are the same on every
 * machine; the scene is the same at every size. Both take one core some 12 ms at 64 pixels, and 105 ms at 224:
 * loadScenes() keeps what it made.
 *
 * @returns its labels are the counts; distanceTask() makes the other task of it
 * @throws RangeError where a number is not a whole one in its range, or so many objects have no room
 */
export async function scenes(options: ScenesOptions): Promise<ScenesDataset> {
  return datasetOf(options, await renderedScenes(options));
}

/** Scenes and their pictures. */
export interface RenderedScenes {
  scenes: readonly Scene[];
  /** uint8 [N, size, size, 3] */
  pixels: Uint8Array;
}

/** What scenes() is made of. */
export async function renderedScenes(options: ScenesOptions): Promise<RenderedScenes> {
  const { images, size, seed, split, objects } = checkedOptions(options);
  const drawn: Scene[] = [], pixels = new Uint8Array(images * size * size * 3);
  for (let index = 0; index < images; index++) {
    const scene = sceneOf({ seed, split: split === "train" ? 0 : 1, index }, objects);
    drawn.push(scene);
    pixels.set(renderScene(scene, size), index * size * size * 3);
    options.onProgress?.(index + 1);
    if (index % 16 === 15) await new Promise((resolve) => setTimeout(resolve)); // others get their turn
  }
  return { scenes: drawn, pixels };
}

/** The data set of scenes that were rendered with these options. */
export function datasetOf(options: ScenesOptions, { scenes, pixels }: RenderedScenes): ScenesDataset {
  const { size, seed, split, objects } = checkedOptions(options);
  const counts = Int32Array.from(scenes, (scene) => scene.objects.length);
  const { labels, classes } = countLabels(counts, objects);
  const name = `scenes ${split} (seed ${seed})`;
  return {
    ...memoryDataset({ name, classes, pixels, width: size, height: size, labels }),
    counts,
    closest: Float64Array.from(scenes, (scene) => Math.min(...scene.objects.map(({ depth }) => depth))),
    scenes,
  };
}

/**
 * What a dense probe is to predict: the mean depth of what is seen in each patch, float32 [N, grid * grid], patches in
 * raster order.
 *
 * @param grid patches across the picture
 */
export function patchDepths(scenes: readonly Scene[], grid: number): Float32Array<ArrayBuffer> {
  const depths = new Float32Array(scenes.length * grid * grid);
  scenes.forEach((scene, i) => depths.set(depthMap(scene, grid), i * grid * grid));
  return depths;
}
