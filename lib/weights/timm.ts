/**
 * timm's folders, as on the Hugging Face hub: config.json says what images go through, model.safetensors has the tensors.
 *
 * @module
 */
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";

/**
 * What images go through before a timm model: the shorter side is resized to size / crop_pct, rounded down, and the
 * centred square cut out.
 *
 * @param path names the file in errors
 * @param config the "pretrained_cfg" of its config.json
 * @throws Error that names the file and the key that is missing or asks for what the kit does not do
 */
export function timmPreprocessing(path: string, config: Record<string, unknown>): Preprocessing {
  const { input_size: size, crop_pct: share, crop_mode: mode = "center", interpolation, mean, std } = config;
  const check = (right: boolean, key: string, wanted: string) => {
    if (!right) throw new Error(`${path}: ${key} is ${JSON.stringify(config[key])}, but must be ${wanted}.`);
  };
  const numbers = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((x) => Number.isFinite(x) && x > 0);
  check(
    numbers(size) && size.length === 3 && size[1] === size[2] && size.every(Number.isInteger),
    "input_size",
    "[channels, side, side]",
  );
  check(typeof share === "number" && share > 0 && share <= 1, "crop_pct", "above 0 and at most 1");
  check(mode === "center", "crop_mode", `"center"`);
  check(interpolation === "bicubic" || interpolation === "bilinear", "interpolation", `"bicubic" or "bilinear"`);
  const channels = (size as number[])[0], wanted = `${channels} numbers above 0`;
  check(numbers(mean) && mean.length === channels, "mean", wanted);
  check(numbers(std) && std.length === channels, "std", wanted);
  const crop = (size as number[])[1];
  return {
    resize: Math.floor(crop / (share as number)),
    crop,
    interpolation: interpolation as Preprocessing["interpolation"],
    mean: mean as number[],
    deviation: std as number[],
  };
}
