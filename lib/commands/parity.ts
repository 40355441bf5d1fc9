/**
 * `deno task parity`: whether encoders from other people's files compute here what they compute there, and the kit's own
 * in transformers what they compute here.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { defaultPreprocessing, type Preprocessing } from "../datasets/pixels/preprocessing.ts";
import { progressBar } from "../figures/progress.ts";
import { table } from "../figures/table.ts";
import { encoderShapes, type EncoderSize } from "../jepa/architectures.ts";
import { loadEncoder } from "../jepa/pretrained.ts";
import { saveEncoder, saveHuggingFace } from "../jepa/save_encoder.ts";
import { initialise } from "../nn/initialisation.ts";
import { randomStream } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import { type HostTensor, writeSafetensors } from "../weights/formats/safetensors.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { type Difference, differences, hiddenState } from "./parity/parity_differences.ts";
import { PARITY_PYTHON, setUpParity } from "./parity/parity_python.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";
import { makeFolder } from "../write_file.ts";

/** Largest difference of an output that counts as the same. */
export const TOLERANCE = 2e-4;

const HELP = helpText(
  "deno task parity [options]",
  `Compares encoders with transformers, timm and PyTorch: random weights in the formats that people have, loaded here; and
  what the kit saves, loaded there. The first time it installs them in .venv/parity. Takes some minutes on two cores. Ends
  with an error where an output differs by more than ${TOLERANCE}.`,
  {
    "--keep DIR": "keeps the files there, instead of in a folder that is removed",
  },
);

/** Runs parity.py and returns what it prints. */
async function python(...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL("parity/parity.py", import.meta.url));
  const command = new Deno.Command(PARITY_PYTHON, { args: [script, ...args], env: { HF_HUB_OFFLINE: "1" } });
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`parity.py ${args[0]} stopped: ${text.decode(stderr).trim().split("\n").at(-1)}.`);
}

/** An encoder that the kit saves. */
interface Saved {
  size: EncoderSize;
  dtype: "F32" | "F16" | "BF16";
  preprocessing: Preprocessing;
}

const SAVED: Saved[] = [
  {
    size: { image: 32, patch: 4, width: 64, depth: 3, heads: 4, mlpRatio: 4 },
    dtype: "F32",
    preprocessing: defaultPreprocessing(32),
  },
  {
    size: { image: 48, patch: 16, width: 96, depth: 12, heads: 3, mlpRatio: 4 / 3, epsilon: 1e-3 },
    dtype: "F16",
    preprocessing: { ...defaultPreprocessing(48), resize: 64 },
  },
  {
    size: { image: 56, patch: 14, width: 80, depth: 2, heads: 5, mlpRatio: 4, epsilon: 1e-12 },
    dtype: "BF16",
    preprocessing: { ...defaultPreprocessing(56), resize: [56, 56], interpolation: "bilinear" },
  },
];

/** Saves encoders with random weights below `folder`, and what they compute, for parity.py to check. */
async function save(folder: string): Promise<void> {
  await makeFolder(folder);
  for (const [i, { size, dtype, preprocessing }] of SAVED.entries()) {
    const name = `kit-${size.image}px-p${size.patch}-w${size.width}-d${size.depth}-${dtype}`;
    const parameters = initialise(encoderShapes(size), i, "xavier");
    await saveHuggingFace(`${folder}/${name}`, { size, parameters, preprocessing }, { dtype });
    // Both of the kit's formats hold the same numbers, rounded alike.
    await saveEncoder(`${folder}/${name}.safetensors`, { size, parameters, preprocessing }, { dtype });
    tf.dispose(parameters);
    const loaded = await loadEncoder(`${folder}/${name}.safetensors`);
    const random = randomStream(i, size.image), shape = [2, size.image, size.image, 3];
    const data = Uint8Array.from({ length: 2 * size.image ** 2 * 3 }, () => random.integer(256));
    const pixels: HostTensor = { dtype: "U8", shape, data };
    const hidden = hiddenState(loaded, pixels);
    const tokens = (size.image / size.patch) ** 2;
    await writeSafetensors(`${folder}/${name}.expected`, {
      pixels,
      hidden: { dtype: "F32", shape: [2, tokens, size.width], data: hidden },
    });
    tf.dispose(loaded.parameters);
  }
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "keep": { type: "string", values: "folder" },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values } = parsed;
  await setUpTensorFlow();
  await setUpParity("deno task parity");
  const folder = values.keep ?? await Deno.makeTempDir({ prefix: "ijepa_parity_" });
  const results: Difference[] = [], bar = progressBar({ label: "Comparing", total: 0, unit: "outputs" });
  try {
    bar.note("PyTorch computes with random weights");
    await python("make", folder);
    bar.note("");
    for await (const result of differences(folder, true)) bar.update(results.push(result));
    await save(`${folder}/saved`);
    bar.note("transformers loads what the kit has saved");
    for (const line of (await python("check", folder)).trim().split("\n")) {
      const { name, difference, processor } = JSON.parse(line);
      results.push({ what: `${name}, saved by the kit`, kind: "transformers", difference });
      results.push({ what: `${name}, its processor`, kind: "transformers", difference: processor ?? NaN });
    }
  } finally {
    bar.stop();
    if (values.keep === undefined) await Deno.remove(folder, { recursive: true });
  }
  await tell({ tolerance: TOLERANCE, results });
  const columns = ["encoder", "computed by", "max |difference|"];
  console.log(table(results.map(({ what, kind, difference }) => [what, kind, difference.toExponential(1)]), columns));
  const beyond = results.filter(({ difference }) => !(difference <= TOLERANCE));
  if (beyond.length) {
    throw new Error(`${beyond.length} of ${results.length} differ by more than ${TOLERANCE}: ${beyond[0].what}.`);
  }
  console.log(`All ${results.length} agree within ${TOLERANCE}.`);
}

if (import.meta.main) await runCommand(main);
