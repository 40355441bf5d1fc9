/**
 * Weights by their name on the Hugging Face hub.
 *
 * @module
 */
import { repoOf } from "../hub/repo.ts";
import { type OnDownload, snapshot } from "../hub/snapshot.ts";

/** A folder's weights, and what says what they are; other files of a repository are left where they are. */
const isWanted = (path: string) => /^(config|preprocessor_config|model\.safetensors\.index)\.json$/.test(path);
const isWeights = (path: string) => /^model(-\d+-of-\d+)?\.safetensors$/.test(path);

/**
 * Where the weights are that a path or a name says: a path that is there, else "hf:owner/name@revision" or "owner/name",
 * which is fetched into the hub's cache. A path that is not there and is no name, or begins with a folder that is there,
 * stays as it is.
 *
 * @throws Error as snapshot() does, or where the repository has no weights in safetensors
 */
export async function findWeights(path: string, onDownload?: OnDownload): Promise<string> {
  const repo = repoOf("model", path);
  const first = path.slice(0, path.indexOf("/"));
  const isLocal = async () => await Deno.stat(first).catch(() => undefined) !== undefined;
  if (!repo || !path.startsWith("hf:") && await isLocal()) return path;
  const inside = repo.folder && `${repo.folder}/`;
  const choose = (paths: readonly string[]) => {
    const own = paths.filter((path) => path.startsWith(inside)).map((path) => path.slice(inside.length));
    const weights = own.filter(isWeights);
    if (weights.length === 0) {
      throw new Error(`The model ${repo.id} has no model.safetensors${repo.folder && ` in ${repo.folder}`}.`);
    }
    const whole = weights.filter((path) => path === "model.safetensors"); // goes before its parts
    return [...own.filter(isWanted), ...whole.length > 0 ? whole : weights].map((path) => inside + path);
  };
  const dir = await snapshot(repo, choose, onDownload);
  return repo.folder ? `${dir}/${repo.folder}` : dir;
}
