/**
 * How a run's checkpoints are called: by their step, or, where an earlier version of the kit wrote the only one there was,
 * checkpoint.safetensors.
 *
 * @module
 */

/** The name of the checkpoint of a step. */
export function checkpointName(step: number): string {
  return `checkpoint-${`${step}`.padStart(8, "0")}.safetensors`;
}

/** The step that a checkpoint's name says, -1 for that of an earlier version; undefined for what is no checkpoint's. */
export function checkpointStep(name: string): number | undefined {
  const digits = /^checkpoint(?:-(\d{8,}))?\.safetensors$/.exec(name);
  return digits ? Number(digits[1] ?? -1) : undefined;
}

/** The names of the checkpoints in a folder, the newest first; none where there is no such folder. */
export async function checkpointsIn(dir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) if (checkpointStep(name) !== undefined) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort((a, b) => checkpointStep(b)! - checkpointStep(a)!);
}
