/**
 * `deno task export`: an encoder written again, smaller or in the layout of Hugging Face.
 *
 * @module
 */
import { join } from "node:path";
import { progressBar } from "../figures/progress.ts";
import { checkPush, pushModel } from "../hub/push.ts";
import { saveEncoder, saveHuggingFace, saveOnnx } from "../jepa/save_encoder.ts";
import { tf } from "../tensorflow/backend.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { checkOutputFile, checkReplacesNothing, numberOf, oneOf } from "./terminal/flags.ts";
import { loadAnyWeights, WEIGHTS_HELP } from "./inputs/load_weights.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task export --weights FILE|DIR --out FILE.safetensors|DIR [--onnx] [--push OWNER/NAME]",
  `Writes an encoder into this kit's format, or where --out is no .safetensors file into a folder from which transformers'
  IJepaModel.from_pretrained() loads it; the predictor, for which that has no place, is then left out. An encoder of clips
  with rotary positions goes with its predictor, for VJEPA2Model.from_pretrained().`,
  {
    "--weights PATH": WEIGHTS_HELP,
    "--out PATH": "where it goes: a file's name ends in .safetensors; a folder is made, or is an earlier export",
    "--onnx": `puts ONNX's graph into the folder too, onnx/model.onnx (of F16 model_fp16.onnx), for onnxruntime and for
      transformers.js: pipeline("image-feature-extraction", DIR, { dtype: "fp32" }) (or "fp16")`,
    "--push NAME":
      `uploads the folder to the Hugging Face hub as owner/name, which is made if it is not there (HF_TOKEN,
      or what \`hf auth login\` keeps, may write there); --out may then be left out`,
    "--dtype D": "F32 (default) | F16 | BF16: the last two take half the space",
    "--heads N": "attention heads, where the weights do not say",
  },
);

/** Holds that a folder is an earlier export, which is replaced, or that none of anyone's files are in it. */
async function checkFolder(out: string): Promise<void> {
  const info = await Deno.stat(out).catch(() => undefined);
  if (!info) return;
  if (!info.isDirectory) {
    throw new Error(`--out ${out} is a file: name another folder, or a file that ends in .safetensors.`);
  }
  const names = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
  // A config.json of another model, or a run's, is for saveHuggingFace() to tell.
  if (names.length === 0 || names.includes("config.json")) return;
  throw new Error(`--out ${out} holds other files (${names.sort()[0]}) and no earlier export: name another folder.`);
}

/** Uploads the files of a folder that saveHuggingFace() and saveOnnx() wrote; gives the repository's address. */
async function upload(push: string, folder: string): Promise<string> {
  const names = ["config.json", "preprocessor_config.json", "video_preprocessor_config.json", "model.safetensors"],
    sizes = new Map<string, number>();
  for (const name of ["model", "model_fp16"]) names.push(`onnx/${name}.onnx`, `onnx/${name}.onnx_data`);
  for (const name of names) {
    const info = await Deno.stat(join(folder, name)).catch(() => undefined);
    if (info) sizes.set(name, info.size);
  }
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0), shares = new Map<string, number>();
  const bar = progressBar({ label: `Uploading ${push}`, total, unit: "bytes" });
  try {
    const { url } = await pushModel(push, folder, [...sizes.keys()], "Upload a JEPA encoder", (name, share) => {
      shares.set(name, share * (sizes.get(name) ?? 0));
      bar.update([...shares.values()].reduce((sum, bytes) => sum + bytes, 0));
    });
    return url;
  } finally {
    bar.stop();
  }
}

const DTYPES = ["F32", "F16", "BF16"] as const;

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "out": { type: "string", values: "file" },
    "onnx": { type: "boolean", default: false },
    "push": { type: "string" },
    "dtype": { type: "string", default: "F32", values: DTYPES },
    "heads": { type: "string" },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const { weights, push } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  if (push !== undefined) await checkPush(push);
  const out = flags.out ?? (push === undefined ? undefined : await Deno.makeTempDir());
  if (out === undefined) throw new Error("Say where it is to go: --out FILE.safetensors, or a folder.");
  const dtype = oneOf("dtype", flags.dtype, DTYPES);

  const heads = numberOf("heads", flags.heads, { integer: true }), own = out.endsWith(".safetensors");
  if (flags.onnx && own) throw new Error("--onnx writes into a folder: let --out be one.");
  if (flags.onnx && dtype === "BF16") {
    throw new Error("--onnx is written in F32 or F16: leave --dtype out, or say F16.");
  }
  if (push !== undefined && own) throw new Error("--push uploads a folder: let --out be one, or leave it out.");
  await (own ? checkOutputFile("out", out) : checkFolder(out));
  if (own) await checkReplacesNothing(out, { weights });

  await setUpTensorFlow();
  const encoder = await loadAnyWeights(weights, { heads }), ofClips = encoder.size.frames !== undefined;
  const save = own ? saveEncoder : saveHuggingFace;
  let graph: string | undefined;
  try {
    if (flags.onnx && ofClips) throw new Error(`--onnx writes encoders of images, and ${weights} is one of clips.`);
    await save(out, encoder, { dtype });
    if (flags.onnx) graph = await saveOnnx(out, encoder, { dtype });
  } finally {
    tf.dispose([encoder.parameters, encoder.predictor?.parameters ?? {}]);
  }
  if (flags.out !== undefined) console.log(`Wrote ${out} in ${dtype}${graph === undefined ? "" : `, with ${graph}`}.`);
  if (encoder.predictor && !own && !ofClips) {
    console.log("The predictor is left out: Hugging Face's layout has no place for it.");
  }
  const written = { weights: flags.out, dtype, onnx: graph };
  if (push === undefined) return await tell(written);
  try {
    const pushed = await upload(push, out);
    await tell({ ...written, pushed });
    console.log(`Pushed to ${pushed}.`);
  } finally {
    if (flags.out === undefined) await Deno.remove(out, { recursive: true });
  }
}

if (import.meta.main) await runCommand(main);
