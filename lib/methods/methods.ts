/**
 * The methods by name: which objective a configuration asks for, which network of it is the encoder, and all presets.
 *
 * @module
 */
import { presetNamed } from "../preset_named.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { type JepaPreset, PRESETS as JEPA_PRESETS, type RunConfig } from "../jepa/pretraining/presets.ts";
import { jepaObjective } from "../jepa/pretraining/pretraining_objective.ts";
import type { Objective } from "../training/objective.ts";
import { checkConfig } from "./check_config.ts";
import { DATA2VEC_PRESETS, type Data2vecConfig, data2vecObjective } from "./objectives/data2vec.ts";
import { DINO_PRESETS, type DinoConfig, dinoObjective } from "./objectives/dino.ts";
import { IWM_PRESETS, type IwmConfig, iwmObjective } from "./objectives/image_world_model.ts";
import { LEJEPA_PRESETS, type LejepaConfig, lejepaObjective } from "./objectives/lejepa.ts";
import { MAE_PRESETS, type MaeConfig, maeObjective } from "./objectives/mae.ts";
import { SIMMIM_PRESETS, type SimmimConfig, simmimObjective } from "./objectives/simmim.ts";
import { VICREG_PRESETS, type VicregConfig, vicregObjective } from "./objectives/vicreg.ts";

/** A run of any method; one that names none is I-JEPA's. */
export type MethodConfig =
  | RunConfig
  | MaeConfig
  | SimmimConfig
  | Data2vecConfig
  | LejepaConfig
  | VicregConfig
  | DinoConfig
  | IwmConfig;

/**
 * What a run trains.
 *
 * @throws RangeError as checkConfig() does, or where the images make no step of the configuration's
 */
export function objectiveOf(config: MethodConfig, dataset: Dataset): Objective {
  checkConfig(config);
  switch (config.method) {
    case undefined:
    case "ijepa":
      return jepaObjective(config, dataset);
    case "mae":
      return maeObjective(config, dataset);
    case "simmim":
      return simmimObjective(config, dataset);
    case "data2vec":
      return data2vecObjective(config, dataset);
    case "lejepa":
      return lejepaObjective(config, dataset);
    case "vicreg":
      return vicregObjective(config, dataset);
    case "dino":
      return dinoObjective(config, dataset);
    case "iwm":
      return iwmObjective(config, dataset);
  }
}

/** Whether a run is I-JEPA's. */
export function isJepa(config: MethodConfig): config is RunConfig {
  return config.method === undefined || config.method === "ijepa";
}

/** The network that is kept as the encoder, and measured: the moving average where a method has one. */
export function keptNetwork({ averages }: Pick<Objective, "averages">): string {
  return "target_encoder" in averages ? "target_encoder" : "encoder";
}

export type { JepaPreset };

/** Presets of every method by name: I-JEPA's, then the others'. */
export const PRESETS: Record<string, MethodConfig> = {
  ...JEPA_PRESETS,
  ...MAE_PRESETS,
  ...SIMMIM_PRESETS,
  ...DATA2VEC_PRESETS,
  ...LEJEPA_PRESETS,
  ...VICREG_PRESETS,
  ...DINO_PRESETS,
  ...IWM_PRESETS,
};

/** I-JEPA's preset of that name. */
export function preset(name: JepaPreset): RunConfig;
/**
 * The preset of that name.
 *
 * @throws RangeError that lists the names where there is none
 */
export function preset(name: string): MethodConfig;
export function preset(name: string): MethodConfig {
  return presetNamed(PRESETS, name, "preset");
}
