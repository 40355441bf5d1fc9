/**
 * `deno task evaluate-video`: what an encoder of clips knows of scenes in motion, beside random weights, still frames and
 * pixels.
 *
 * @module
 */
import { clipNetworks, encoderClips, pixelClips, randomClips, stillClips } from "../evaluation/video/clip_subjects.ts";
import { type ClipMeasure, evaluateClips } from "../evaluation/video/evaluate_clips.ts";
import { progressBar } from "../figures/progress.ts";
import { table } from "../figures/table.ts";
import { tf } from "../tensorflow/backend.ts";
import { loadVideoEncoder } from "../video/load_video_encoder.ts";
import { type KnownClipCounts, openKnownClips } from "./inputs/open_known_clips.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { chosenPrecision, PRECISION_HELP, PRECISIONS } from "./terminal/precision.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";

const COUNTS: KnownClipCounts = { train: 400, test: 200, sets: 100 };

const HELP = helpText(
  "deno task evaluate-video --weights DIR",
  `Evaluates an encoder of clips on scenes in motion that it was not trained on, beside the same networks with random
  weights, the same seeing still frames, and pixels, in percent:`,
  {
    "position, velocity, depth": "R² of ridge regression from the token in which a solid is seen to what is true of it",
    "order of halves":
      "a linear layer, and an attentive probe, say whether the halves of a clip are swapped; chance is 50",
    "surprise":
      `the second half of a clip in which a solid vanishes, appears or jumps lies farther from what was predicted
      than that of the clip that begins alike; chance is 50 over vanish and appear. In sets it is the clip and its twin, of
      which one solid is missing or elsewhere, against both with their second halves exchanged: how easy a half is to
      predict is the same on both sides`,
    "calibrated surprise": "the same less what the second half surprises after the beginnings of eight other clips",
  },
  {
    "--weights PATH": "a run's folder or encoder.safetensors, with its predictor",
    "--clips N": `clips to fit to; half as many to measure on (default ${COUNTS.train})`,
    "--sets N": `sets of each law, existence and place (default ${COUNTS.sets})`,
    "--seed N": "the random weights follow from it (default 0)",
    "--precision P": `${PRECISION_HELP} (default)`,
  },
  "Clips are rendered the first time, in some minutes, and kept in data/clips.",
);

/** A row for each measure, a column for each subject. */
function measuresTable(results: readonly ClipMeasure[]): string {
  const distinct = (names: string[]) => [...new Set(names)];
  const subjects = distinct(results.map(({ subject }) => subject));
  const rows = distinct(results.map(({ measure }) => measure)).map((measure) => [
    measure,
    ...subjects.map((subject) =>
      results.find((own) => own.measure === measure && own.subject === subject)?.score ?? null
    ),
  ]);
  return table(rows, ["%", ...subjects.map((title) => ({ title, decimals: 1 }))]);
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "clips": { type: "string" },
    "sets": { type: "string" },
    "seed": { type: "string", default: "0" },
    "precision": { type: "string", default: "auto", values: PRECISIONS },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed, { weights } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights DIR.");
  const askedPrecision = oneOf("precision", flags.precision, PRECISIONS);
  const { train: clips } = COUNTS, whole = { integer: true };
  const train = numberOf("clips", flags.clips, { ...whole, least: 50 }) ?? clips;
  const sets = numberOf("sets", flags.sets, { ...whole, least: 1 }) ?? COUNTS.sets;
  const seed = numberOf("seed", flags.seed, whole)!;

  await setUpTensorFlow();
  const model = await loadVideoEncoder(weights), { architecture, encoder, predictor } = model;
  const precision = await chosenPrecision(askedPrecision, architecture.width);
  const counts = { train, test: Math.floor(train / 2), sets }, data = await openKnownClips(architecture, counts);
  const run = clipNetworks(architecture, { precision });
  const subjects = [
    encoderClips("encoder", model, run),
    randomClips(seed, run),
    stillClips(model, run),
    pixelClips(architecture),
  ];
  const results: ClipMeasure[] = [];
  const bar = progressBar({ label: "Evaluating", total: 0, unit: "numbers" });
  const onResult = (result: ClipMeasure) => bar.update(results.push(result));
  try {
    await evaluateClips(subjects, architecture, data, { onStage: bar.note, onResult });
  } finally {
    bar.stop();
    for (const subject of subjects) subject.dispose();
    run.dispose();
    tf.dispose([encoder, predictor]);
    if (results.length > 0) { // where it fails, what was measured before
      console.log(measuresTable(results));
      await tell({ weights, seed, precision, ...counts, results });
    }
  }
}

if (import.meta.main) await runCommand(main);
