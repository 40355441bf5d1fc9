/**
 * What each preset is, in a phrase, for lists of them; what it costs and reaches stands with the preset.
 *
 * @module
 */
import type { JepaPreset } from "../jepa/pretraining/presets.ts";
import type { DATA2VEC_PRESETS } from "./objectives/data2vec.ts";
import type { DINO_PRESETS } from "./objectives/dino.ts";
import type { IWM_PRESETS } from "./objectives/image_world_model.ts";
import type { LEJEPA_PRESETS } from "./objectives/lejepa.ts";
import type { MAE_PRESETS } from "./objectives/mae.ts";
import type { SIMMIM_PRESETS } from "./objectives/simmim.ts";
import type { VICREG_PRESETS } from "./objectives/vicreg.ts";

/** Of I-JEPA's presets. */
export const JEPA_PHRASES: Readonly<Record<JepaPreset, string>> = {
  "cifar10": "a small encoder of CIFAR-10, in minutes on two cores; regularised, so that it learns in so short a run",
  "cifar10-long": "a larger one, ten times as long: what weights/cifar10 ships",
  "scenes": "drawn scenes of 64 pixels, in minutes: what weights/scenes ships",
  "cifar10-bare": "the published objective alone on CIFAR-10, in hours",
  "cifar10-ablations": "the same, smaller and shorter: what deno task reproduce changes parts of",
  "cifar10-published": "the published recipe, masks included, at CIFAR-10's size",
  "smoke": "for tests: too short to learn anything",
  "imagenet-b16": "the paper's ViT-B/16, on GPUs",
  "imagenet-l16": "the paper's ViT-L/16, on GPUs",
  "imagenet-h14": "the paper's ViT-H/14, on GPUs",
  "imagenet-h16-448": "the paper's ViT-H/16 on images of 448 pixels, on GPUs",
  "imagenet22k-h14": "the paper's ViT-H/14 on ImageNet-22k, on GPUs",
  "imagenet22k-g16": "the paper's ViT-G/16 on ImageNet-22k, on GPUs",
};

/** Of all methods' presets. */
export const PRESET_PHRASES: Readonly<
  Record<
    | JepaPreset
    | keyof typeof MAE_PRESETS
    | keyof typeof SIMMIM_PRESETS
    | keyof typeof DATA2VEC_PRESETS
    | keyof typeof LEJEPA_PRESETS
    | keyof typeof VICREG_PRESETS
    | keyof typeof DINO_PRESETS
    | keyof typeof IWM_PRESETS,
    string
  >
> = {
  ...JEPA_PHRASES,
  "mae-cifar10": "MAE at the size of cifar10",
  "mae-imagenet-b16": "MAE's published ViT-B/16, on GPUs",
  "simmim-cifar10": "SimMIM at the size of cifar10",
  "simmim-imagenet-b16": "SimMIM's published ViT-B/16, on GPUs",
  "data2vec-cifar10": "data2vec 2.0 at the size of cifar10",
  "data2vec-imagenet-b16": "data2vec 2.0's published ViT-B/16, on GPUs",
  "lejepa-cifar10": "LeJEPA at the size of cifar10",
  "lejepa-imagenette-s8": "LeJEPA's minimal example, Imagenette at 128 pixels, on a GPU",
  "vicreg-cifar10": "VICReg at the size of cifar10",
  "vicreg-imagenet-s16": "VICReg's loss and length with a ViT-S/16, on GPUs",
  "dino-cifar10": "DINO at the size of cifar10",
  "dino-imagenet-s16": "DINO's published ViT-S/16, on GPUs",
  "iwm-cifar10": "an image world model at the size of cifar10: its predictor is told crop and light",
};
