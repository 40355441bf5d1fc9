/**
 * Published files by their data set's name on the Hugging Face hub.
 *
 * @module
 */
import { join } from "node:path";
import { repoOf } from "../../hub/repo.ts";
import { type OnDownload, snapshot } from "../../hub/snapshot.ts";
import { filesBySplit } from "./file_names.ts";

/**
 * The parquet files, or else the shards, of a data set on the hub, in its cache.
 *
 * @param spec "hf:owner/name", or with a folder and a revision: "hf:owner/name/folder@revision"
 * @throws Error as snapshot() does, or where it has no such files or those of several data sets, before any is fetched
 */
export async function fetchPublished(spec: string, onDownload?: OnDownload): Promise<string[]> {
  const repo = repoOf("dataset", spec)!, inside = repo.folder && `${repo.folder}/`;
  let chosen: string[] = [];
  const choose = (paths: readonly string[]) => {
    const own = paths.filter((path) => path.startsWith(inside)).sort();
    const parquet = own.filter((path) => path.endsWith(".parquet"));
    chosen = parquet.length > 0 ? parquet : own.filter((path) => path.endsWith(".tar"));
    if (chosen.length === 0) throw new Error(`The data set ${spec} has neither parquet files nor .tar shards.`);
    filesBySplit(spec, chosen);
    return chosen;
  };
  const dir = await snapshot(repo, choose, onDownload);
  return chosen.map((path) => join(dir, path));
}
