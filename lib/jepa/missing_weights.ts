/**
 * Why there is no encoder at a path, and what to do: the paths that people give are of models elsewhere, or of folders that
 * hold weights in another form.
 *
 * @module
 */
import { toSafetensors } from "../weights/convert.ts";
import { someOf } from "../weights/find_encoder.ts";

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** Why there is nothing at a path; "org/name" without a folder org is how models are called on the Hugging Face hub. */
export async function whyMissing(path: string): Promise<string> {
  const [folder, name] = path.split("/");
  if (!/^[\w-]+\/[\w.-]+$/.test(path) || /\.(safetensors|tar|pth)$/.test(name) || await exists(folder)) {
    return `There is no file or folder ${path} to load an encoder from: is the path right?`;
  }
  return `There is no file or folder ${path}, and models of the Hugging Face hub are not downloaded by their names: ` +
    "download its folder (config.json, model.safetensors, preprocessor_config.json), and give the path of that.";
}

/** Files that hold an encoder by themselves. */
const WHOLE = /\.(safetensors|pth|pt|tar|ckpt)$/;

/** Why a folder has no encoder: what it holds instead. */
export async function whyNoEncoder(folder: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const bin = names.find((name) => /^pytorch_model\.bin(\.index\.json)?$/.test(name));
  if (bin) {
    return `${folder} has ${bin} and no model.safetensors, which is read here: ${toSafetensors(`${folder}/${bin}`)}`;
  }
  const whole = names.find((name) => WHOLE.test(name));
  const next = whole ? `: is it ${folder}/${whole} that you want?` : ".";
  return `${folder} holds no encoder: a run's folder has encoder.safetensors or a checkpoint, one of Hugging ` +
    `Face's or timm's has config.json and model.safetensors, and this has ${someOf(names) || "nothing"}${next}`;
}
