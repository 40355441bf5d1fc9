/**
 * `deno task pretrain` where what is trained is a camera model: its scenes, its encoder, and what it knows in the end.
 *
 * @module
 */
import { loadCameraClips } from "../../datasets/clips/camera_clips.ts";
import { measureCamera } from "../../evaluation/planning/measure_camera.ts";
import { formatNumber, progressBar } from "../../figures/progress.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import type { Decided } from "../../training/runs/decided.ts";
import type { RunOptions } from "../../training/runs/run.ts";
import { type CameraConfig, cameraObjective } from "../../world/camera/camera_objective.ts";
import {
  type CameraData,
  type CameraLogEntry,
  type CameraResult,
  openCameraData,
  pretrainCamera,
} from "../../world/camera/pretrain_camera.ts";
import { writeFile } from "../../write_file.ts";

/** The folder of data sets. */
const DATA = "data";

/** Sequences that it is measured on, and those of them that are planned. */
const MEASURED = { clips: 100, episodes: 20 };

/** What is said of a training in the end, to people, and what was measured, to machines. */
export interface Conclusion {
  sentences: string;
  evaluation?: Record<string, unknown>;
}

/** The scenes and the encoder of a run, with a bar for what has to be drawn. */
export async function openCamera(config: CameraConfig): Promise<CameraData> {
  const bar = progressBar({ label: "Drawing scenes", total: config.scenes.clips, unit: "sequences" });
  return await openCameraData(DATA, config, (clips) => bar.update(clips, {})).finally(() => bar.stop());
}

/** What the command needs of a camera model's training. */
export function cameraTraining(config: Decided<CameraConfig>, data: CameraData) {
  return {
    totalSteps: cameraObjective(config, data.encoder.size, data.tokens).totalSteps,
    name: data.images.name,
    unit: "sequences",
    fieldsOf: ({ teacherForced, rollout }: CameraLogEntry) => ({ "next": teacherForced, rollout }),
    begin: (options: RunOptions<CameraLogEntry>) => pretrainCamera(config, data, options),
    dispose: ({ predictor }: CameraResult) => disposeAll([predictor, data.encoder.parameters]),
    /** Says what it knows of sequences that it was not trained on, and writes evaluation.json. */
    async conclude({ predictor, weights }: CameraResult, dir: string): Promise<Conclusion> {
      const { scenes, seed } = config, { encoder } = data;
      const options = { ...scenes, clips: MEASURED.clips, size: encoder.size.image, seed, split: "test" } as const;
      const test = await loadCameraClips(DATA, options), { episodes } = MEASURED;
      const measured = await measureCamera({ config, encoder, predictor }, test, scenes.frames, { episodes, seed });
      const { prediction, planning } = measured, said = formatNumber;
      const evaluation = { seed, ...measured };
      await writeFile(`${dir}/evaluation.json`, JSON.stringify(evaluation, null, 2) + "\n");
      const sentences =
        `Next pictures, ${prediction.pairs} of unseen scenes: nearer with the true action than with another's in ` +
        `${said(prediction.accuracy)} % (chance 50); error ${said(prediction.error)}, with another's ` +
        `${said(prediction.otherError)}, of the picture before ${said(prediction.copyError)}.\n` +
        `Plans to ${planning.episodes} goals: the camera ends ${said(planning.model)} degrees from the goal's pose; ` +
        `with nothing done ${said(planning.nothing)}, with random actions ${said(planning.random)}.\n` +
        `Weights: ${weights}`;
      return { sentences, evaluation };
    },
  };
}
