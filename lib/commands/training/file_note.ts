/**
 * What a training's bar says while a large file is being read or written.
 *
 * @module
 */
import { basename } from "node:path";
import type { FileProgress } from "../../training/runs/run_checkpoints.ts";
import { formatShare } from "../../weights/formats/whole_file.ts";

/** "writing checkpoint-00000400.safetensors, 2.1 of 5.1 GB", and "" once it is done. */
export function fileNote({ action, path, done, total }: FileProgress): string {
  return done < total ? `${action} ${basename(path)}, ${formatShare(done, total)}` : "";
}
