/**
 * Pictures as large as photos, for `deno task bench --loader`: noise whose octaves are as strong as a photo's, so that a
 * JPEG of them takes as many bytes, and as long to read.
 *
 * @module
 */
import { join } from "node:path";
import sharp from "npm:sharp@0.35.5";
import { progressBar } from "../../figures/progress.ts";
import { type Random, randomStream } from "../../random.ts";
import { resample } from "../../datasets/pixels/resampling/resample.ts";
import { makeFolder, writeFile } from "../../write_file.ts";

const WIDTH = 500, HEIGHT = 375, COUNT = 512;

/** Of the JPEGs, one after the other; they take 60 to 110 KB. */
const QUALITIES = [86, 88, 90, 92, 94, 95];

/** The range of grey and of colour in each octave, from 4 x 3 samples on. */
const OCTAVES = [[60, 30], [50, 24], [44, 16], [40, 12], [38, 8], [38, 6], [40, 4], [24, 2]];

/** Adds an octave to a picture, [HEIGHT, WIDTH, 3]. */
function addOctave(picture: Float32Array, octave: number, random: Random): void {
  const width = 4 << octave, height = 3 << octave, [grey, colour] = OCTAVES[octave];
  const samples = new Uint8Array(width * height * 3);
  for (let i = 0; i < samples.length; i += 3) {
    const light = grey * (random.uniform() - 0.5);
    for (let c = 0; c < 3; c++) samples[i + c] = 128 + light + colour * (random.uniform() - 0.5);
  }
  const window = { x: 0, y: 0, width: WIDTH, height: HEIGHT }, out = new Uint8Array(picture.length);
  const cut = { box: { x: 0, y: 0, width, height }, width: WIDTH, height: HEIGHT, window };
  resample(samples, width, { ...cut, interpolation: "bicubic" }, out);
  for (let i = 0; i < out.length; i++) picture[i] += out[i] - 128;
}

/** The `index`-th picture, as a JPEG. */
export async function photoJpeg(index: number): Promise<Uint8Array> {
  const picture = new Float32Array(WIDTH * HEIGHT * 3).fill(118);
  for (let octave = 0; octave < OCTAVES.length; octave++) addOctave(picture, octave, randomStream(index, octave));
  return await sharp(Uint8ClampedArray.from(picture), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: QUALITIES[index % QUALITIES.length] }).toBuffer();
}

/** The folder of the pictures, in `data`; drawn the first time. */
export async function benchPhotos(data: string): Promise<string> {
  const folder = join(data, "bench-photos"), part = `${folder}.part`;
  if (await Deno.stat(folder).catch(() => undefined)) return folder;
  const bar = progressBar({ label: "Drawing pictures", total: COUNT, unit: "pictures" });
  try {
    await makeFolder(part);
    for (let i = 0; i < COUNT; i++) {
      await writeFile(join(part, `${i}`.padStart(4, "0") + ".jpg"), await photoJpeg(i));
      bar.update(i + 1);
    }
    await Deno.rename(part, folder);
  } finally {
    bar.stop();
  }
  return folder;
}
