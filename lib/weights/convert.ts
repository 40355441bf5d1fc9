/**
 * How weights that are not read here become safetensors: lines of Python for errors to end with.
 *
 * @module
 */

/**
 * What to run for a file of torch.save(), or for the index of several, in the layout of Hugging Face's folders.
 *
 * @param path of the file, beside which the safetensors will be
 */
export function toSafetensors(path: string): string {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  const python = path.endsWith(".json")
    ? `from transformers import IJepaModel as M; M.from_pretrained("${folder}").save_pretrained("${folder}")`
    : "import torch, safetensors.torch as s; " +
      `s.save_file(torch.load("${path}", map_location="cpu"), "${folder}/model.safetensors")`;
  return `convert it with python -c '${python}'`;
}
